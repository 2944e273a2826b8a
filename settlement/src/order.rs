//! The order: what its owner signs, the id that follows from it, and the rules for registering it.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use runtime::{
    abi::{Argument, Arguments},
    constant_word,
    word::{bytes, word},
};
use stylus_sdk::{
    abi::{AbiType, ConstString},
    crypto::keccak,
    keccak_const::Keccak256,
};

pub(crate) use self::sol::{Order, OrderRegistered, OrderVoided};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    super::sol! {
        /// One investor's binding instruction to buy or sell a whole quantity of one security, signed off chain.
        ///
        /// `owner`: whose tokens and cash move. `side`: [`BID`](super::BID) or [`ASK`](super::ASK). `quantity`:
        /// security base units. `limitTotal`: payment base units for the whole quantity, the most a bid pays and the
        /// least an ask takes. `expiry`: unix second from which on the order is dead. `epoch`: the owner's, see
        /// `cancelAllOrders`. `counterparty`: zero, or the only owner it may meet. `boardRef`: the board's reference,
        /// which also makes equal orders distinct.
        #[derive(Debug, Default, PartialEq, Eq)]
        struct Order {
            address owner;
            uint8 side;
            address security;
            address payment;
            uint256 quantity;
            uint256 limitTotal;
            uint64 expiry;
            uint64 epoch;
            address counterparty;
            bytes32 boardRef;
        }

        /// The order `id` is open, or was settled in this very transaction; `by` sent it.
        #[derive(Debug, PartialEq, Eq)]
        event OrderRegistered(bytes32 indexed id, address indexed owner, address indexed security, Order order,
            bytes signature, address by);
        /// The terms of an order that `owner` cancels before it was registered.
        #[derive(Debug, PartialEq, Eq)]
        event OrderVoided(bytes32 indexed id, address indexed owner, Order order);
    }
}

/// Side of an order that buys the security.
pub(crate) const BID: u8 = 0;
/// Side of an order that sells the security.
pub(crate) const ASK: u8 = 1;

/// Largest quantity and limit, `2^128 - 1` base units: both share one word of storage.
pub(crate) const MAX_AMOUNT: U256 = U256::from_limbs([u64::MAX, u64::MAX, 0, 0]);

/// How far ahead an expiry may lie, in seconds: 366 days.
pub(crate) const MAX_LIFETIME: u64 = 366 * 24 * 60 * 60;

/// Preimage of [`ORDER_TYPE_HASH`] (EIP-712 `encodeType`).
pub(crate) const ORDER_TYPE: &str = "Order(address owner,uint8 side,address security,address payment,uint256 quantity,\
    uint256 limitTotal,uint64 expiry,uint64 epoch,address counterparty,bytes32 boardRef)";

/// `keccak256(ORDER_TYPE)`.
pub(crate) const ORDER_TYPE_HASH: [u8; 32] =
    Keccak256::new().update(ORDER_TYPE.as_bytes()).finalize();

/// `keccak256("CancelOrder(bytes32 id)")`: what an owner signs who lets somebody else send its cancel.
pub(crate) const CANCEL_TYPE_HASH: [u8; 32] = Keccak256::new()
    .update(b"CancelOrder(bytes32 id)")
    .finalize();

/// EIP-712 `hashStruct` of the cancel of the order `id`.
pub(crate) fn cancel_hash(id: B256) -> B256 {
    keccak([constant_word!(CANCEL_TYPE_HASH).0, id.0].as_flattened())
}

/// The name of the EIP-712 domain; its version is `"1"`.
pub(crate) const DOMAIN_NAME: &str = "DvP Settlement";

/// `keccak256(DOMAIN_NAME)`.
pub(crate) const DOMAIN_NAME_HASH: [u8; 32] =
    Keccak256::new().update(DOMAIN_NAME.as_bytes()).finalize();

/// By hand: `#[derive(AbiType)]` names a struct by its identifier, and selectors would be those of `orderId(Order)`
/// instead of `orderId((address,uint8,...))`.
impl AbiType for Order {
    type SolType = Self;

    const ABI: ConstString = ConstString::new(
        "(address,uint8,address,address,uint256,uint256,uint64,uint64,address,bytes32)",
    );
    const EXPORT_ABI_ARG: ConstString = ConstString::new("Order calldata");
    const EXPORT_ABI_RET: ConstString = ConstString::new("Order memory");
}

impl Argument for Order {
    #[inline(never)]
    fn take(arguments: &mut Arguments) -> Option<Self> {
        Some(Self {
            owner: arguments.take()?,
            side: arguments.take()?,
            security: arguments.take()?,
            payment: arguments.take()?,
            quantity: arguments.take()?,
            limitTotal: arguments.take()?,
            expiry: arguments.take()?,
            epoch: arguments.take()?,
            counterparty: arguments.take()?,
            boardRef: arguments.take()?,
        })
    }
}

impl Order {
    /// The fields as ABI words, in their order.
    #[inline(never)]
    pub(crate) fn words(&self) -> [B256; 10] {
        let integer = |value: u64| word(0, 0, 0, value);
        [
            self.owner.into_word(),
            integer(self.side.into()),
            self.security.into_word(),
            self.payment.into_word(),
            bytes(&self.quantity),
            bytes(&self.limitTotal),
            integer(self.expiry),
            integer(self.epoch),
            self.counterparty.into_word(),
            self.boardRef,
        ]
    }

    /// EIP-712 `hashStruct`. Every field is one word, so `encodeData` is the ABI encoding.
    #[inline(never)]
    pub(crate) fn struct_hash(&self) -> B256 {
        let mut preimage = Vec::with_capacity(32 * 11);
        preimage.extend_from_slice(constant_word!(ORDER_TYPE_HASH).as_slice());
        for word in self.words() {
            preimage.extend_from_slice(word.as_slice());
        }
        keccak(preimage)
    }
}

/// What an order must agree with to be registered.
#[derive(Clone, Copy)]
pub(crate) struct Admission {
    /// The one payment token.
    pub(crate) payment: Address,
    /// Whether the order's security is listed.
    pub(crate) listed: bool,
    /// Now, in unix seconds.
    pub(crate) now: u64,
    /// The owner's epoch.
    pub(crate) epoch: u64,
    /// Whether the owner is an operator or a principal, who would settle or commit a trade of its own.
    pub(crate) staff: bool,
}

/// The first field because of which `order` cannot be registered, if any.
#[inline(never)]
pub(crate) fn first_invalid_field(order: &Order, admission: &Admission) -> Option<u8> {
    let latest = admission.now.saturating_add(MAX_LIFETIME);
    let amount = |value: U256| !value.is_zero() && value <= MAX_AMOUNT;
    let good = [
        !order.owner.is_zero() && !admission.staff,
        order.side <= ASK,
        admission.listed,
        order.payment == admission.payment,
        amount(order.quantity),
        amount(order.limitTotal),
        order.expiry > admission.now && order.expiry <= latest,
        order.epoch == admission.epoch,
    ];
    (0u8..)
        .zip(good)
        .find(|&(_, good)| !good)
        .map(|(field, _)| field)
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::{SolStruct, SolValue};

    use super::*;

    const NOW: u64 = 1_735_689_600;

    /// Indices of the fields of [`Order`], as `InvalidOrder` reports them.
    pub(super) mod field {
        pub(super) const OWNER: u8 = 0;
        pub(super) const SIDE: u8 = 1;
        pub(super) const SECURITY: u8 = 2;
        pub(super) const PAYMENT: u8 = 3;
        pub(super) const QUANTITY: u8 = 4;
        pub(super) const LIMIT_TOTAL: u8 = 5;
        pub(super) const EXPIRY: u8 = 6;
        pub(super) const EPOCH: u8 = 7;
    }

    fn order() -> Order {
        Order {
            owner: Address::repeat_byte(1),
            side: ASK,
            security: Address::repeat_byte(2),
            payment: Address::repeat_byte(3),
            quantity: U256::from(100),
            limitTotal: U256::from(1_020),
            expiry: NOW + 1,
            epoch: 7,
            counterparty: Address::ZERO,
            boardRef: B256::repeat_byte(9),
        }
    }

    fn admission() -> Admission {
        Admission {
            payment: Address::repeat_byte(3),
            listed: true,
            now: NOW,
            epoch: 7,
            staff: false,
        }
    }

    fn bad(change: impl FnOnce(&mut Order)) -> Option<u8> {
        let mut changed = order();
        change(&mut changed);
        first_invalid_field(&changed, &admission())
    }

    #[test]
    fn struct_hash_is_that_of_an_independent_implementation() {
        assert_eq!(Order::eip712_encode_type(), ORDER_TYPE);
        assert_eq!(order().eip712_type_hash(), B256::new(ORDER_TYPE_HASH));
        assert_eq!(order().struct_hash(), order().eip712_hash_struct());
    }

    #[test]
    fn abi_names_the_struct_as_a_tuple() {
        let types = ORDER_TYPE
            .strip_prefix("Order(")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let types: Vec<_> = types
            .split(',')
            .map(|field| field.split(' ').next().unwrap())
            .collect();
        assert_eq!(Order::ABI.as_str(), std::format!("({})", types.join(",")));
    }

    #[test]
    fn order_is_read_from_its_abi_encoding() {
        let encoded = order().abi_encode();
        assert_eq!(Arguments::new(&encoded).take(), Some(order()));
        assert_eq!(Arguments::new(&encoded[..319]).take::<Order>(), None);
    }

    #[test]
    fn a_good_order_has_no_bad_field() {
        assert_eq!(bad(|_| ()), None);
        assert_eq!(bad(|order| order.side = BID), None);
        assert_eq!(bad(|order| order.quantity = MAX_AMOUNT), None);
        assert_eq!(bad(|order| order.limitTotal = MAX_AMOUNT), None);
        assert_eq!(bad(|order| order.expiry = NOW + MAX_LIFETIME), None);
    }

    #[test]
    fn each_bad_field_is_named() {
        assert_eq!(bad(|order| order.owner = Address::ZERO), Some(field::OWNER));
        assert_eq!(bad(|order| order.side = 2), Some(field::SIDE));
        let unlisted = Admission {
            listed: false,
            ..admission()
        };
        assert_eq!(
            first_invalid_field(&order(), &unlisted),
            Some(field::SECURITY)
        );
        assert_eq!(
            bad(|order| order.payment = order.security),
            Some(field::PAYMENT)
        );
        assert_eq!(
            bad(|order| order.quantity = U256::ZERO),
            Some(field::QUANTITY)
        );
        assert_eq!(
            bad(|order| order.quantity = MAX_AMOUNT + U256::from(1)),
            Some(field::QUANTITY)
        );
        assert_eq!(
            bad(|order| order.limitTotal = U256::ZERO),
            Some(field::LIMIT_TOTAL)
        );
        assert_eq!(
            bad(|order| order.limitTotal = U256::MAX),
            Some(field::LIMIT_TOTAL)
        );
        assert_eq!(bad(|order| order.expiry = NOW), Some(field::EXPIRY));
        assert_eq!(
            bad(|order| order.expiry = NOW + MAX_LIFETIME + 1),
            Some(field::EXPIRY)
        );
        assert_eq!(bad(|order| order.epoch = 6), Some(field::EPOCH));
        assert_eq!(bad(|order| order.epoch = 8), Some(field::EPOCH));
    }

    #[test]
    fn the_first_of_several_bad_fields_is_named() {
        let nothing = Order::default();
        assert_eq!(
            first_invalid_field(&nothing, &admission()),
            Some(field::OWNER)
        );
        let late = |order: &mut Order| (order.expiry, order.epoch) = (0, 0);
        assert_eq!(bad(late), Some(field::EXPIRY));
    }
}
