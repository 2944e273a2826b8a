//! An order before it is signed, as a person fills it in, and the signed order as a file.

use alloy::primitives::{Address, Bytes, U256};
use book::market::address;
use book::market::amount::date;
use book::market::literal::decimal;
use book::market::literal::time::Moment;
use book::market::order::{MAX_LIFETIME, Order, OrderHasher, Side, new_board_ref};
use book::market::price::{Price, PriceError};
use book::market::record::Capacity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::statement::Statement;
use crate::signing::request::{OrderTerms, Request};
use crate::signing::signer::{NotSigned, Signer};

/// What an order is signed for.
#[derive(Clone, Copy, Debug)]
pub struct Venue {
    /// The chain.
    pub chain_id: u64,
    /// The settlement contract.
    pub settlement: Address,
    /// The coin.
    pub payment: Address,
}

/// One row of an order file, or the arguments of `order sign`.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq)]
pub struct OrderForm {
    /// `bid` or `ask`.
    pub side: String,
    /// Symbol, ISIN or token of the security.
    pub security: String,
    /// Whole tokens, with decimals.
    pub quantity: String,
    /// Dollars for each whole token.
    pub price: String,
    /// A duration, a day or an instant; the order is dead from its first second.
    pub expires: String,
    /// The customer's account; it may be empty.
    pub account: String,
    /// The wallet that signs.
    #[serde(default)]
    pub wallet: String,
    /// `agency`, `principal` or `riskless_principal`.
    #[serde(default)]
    pub capacity: String,
    /// `yes` or `no`.
    #[serde(default)]
    pub solicited: String,
    /// The only owner it may meet.
    #[serde(default)]
    pub counterparty: String,
}

/// A signed order as it travels from the customer to the desk: docs/signed-order.md.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOrder {
    /// The chain it is signed for.
    pub chain_id: u64,
    /// The settlement contract it is signed for.
    pub settlement: Address,
    /// Its id: the EIP-712 digest.
    pub id: alloy::primitives::B256,
    /// The wallet.
    pub owner: Address,
    /// Bid or ask.
    pub side: Side,
    /// The security.
    pub security: Address,
    /// The coin.
    pub payment: Address,
    /// Security base units.
    pub quantity: U256,
    /// Coin base units for the whole quantity.
    pub limit_total: U256,
    /// Unix seconds.
    pub expiry: u64,
    /// The owner's epoch.
    pub epoch: u64,
    /// Zero, or the only owner it may meet.
    pub counterparty: Address,
    /// The board's reference.
    pub board_ref: alloy::primitives::B256,
    /// Dollars for each whole token.
    pub price: Price,
    /// The customer's account. The desk states this and the next two: what is here only has to agree.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The broker-dealer's capacity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capacity: Option<Capacity>,
    /// Whether the broker-dealer solicited it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub solicited: Option<bool>,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// 65 bytes, or any length for an account with code.
    pub signature: Bytes,
}

/// Why a form is not signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormError {
    /// A field is not written with exactly one meaning.
    #[error("{0}")]
    Malformed(String),
    /// The order that it describes is not possible.
    #[error("{0}")]
    Refused(String),
    /// The holder of the key did not sign.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

fn malformed(error: impl std::fmt::Display) -> FormError {
    FormError::Malformed(error.to_string())
}

fn refused(error: impl std::fmt::Display) -> FormError {
    FormError::Refused(error.to_string())
}

impl OrderForm {
    /// Fills the form's order: price times quantity must come out whole in the coin's base units.
    ///
    /// # Errors
    /// Every [`FormError`].
    pub fn fill(
        &self,
        venue: &Venue,
        token: Address,
        decimals: u8,
        owner: Address,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(Order, Price), FormError> {
        let side: Side = self.side.parse().map_err(malformed)?;
        let quantity = decimal::amount(&self.quantity, decimals).map_err(malformed)?;
        let quantity =
            u128::try_from(quantity).map_err(|_| refused("the quantity is too large"))?;
        let price: Price = self.price.parse().map_err(|error| match error {
            PriceError::Number(error) => malformed(error),
            other => refused(other),
        })?;
        let total = price.total(quantity, decimals).map_err(refused)?;
        let counterparty = match self.counterparty.as_str() {
            "" => Address::ZERO,
            text => address::parse(text).map_err(malformed)?,
        };
        let order = Order {
            owner,
            side: side.code(),
            security: token,
            payment: venue.payment,
            quantity: U256::from(quantity),
            limitTotal: U256::from(total),
            expiry: expiry(&self.expires, now)?,
            epoch,
            counterparty,
            boardRef: new_board_ref(),
        };
        Ok((order, price))
    }

    /// Signs the form's order.
    ///
    /// # Errors
    /// Every [`FormError`].
    pub fn sign(
        &self,
        venue: &Venue,
        token: Address,
        decimals: u8,
        signer: &Signer,
        epoch: u64,
    ) -> Result<SignedOrder, FormError> {
        let now = Timestamp::now();
        let (order, price) = self.fill(venue, token, decimals, signer.address(), epoch, now)?;
        let terms = OrderTerms::of(venue.chain_id, venue.settlement, &order);
        let id = terms.id();
        let signature = signer.sign(&Request::Order(terms))?;
        Ok(SignedOrder {
            chain_id: venue.chain_id,
            settlement: venue.settlement,
            id,
            owner: order.owner,
            side: self.side.parse().map_err(malformed)?,
            security: order.security,
            payment: order.payment,
            quantity: order.quantity,
            limit_total: order.limitTotal,
            expiry: order.expiry,
            epoch,
            counterparty: order.counterparty,
            board_ref: order.boardRef,
            price,
            account: Some(self.account.clone()).filter(|account| !account.is_empty()),
            capacity: self.capacity()?,
            solicited: yes(&self.solicited)?,
            signed_at: now,
            signature: signature.as_bytes().to_vec().into(),
        })
    }
}

impl OrderForm {
    /// What the desk states of the order when the form is its own.
    ///
    /// # Errors
    /// [`FormError::Malformed`] for the capacity and for anything that is neither yes nor no.
    pub fn statement(&self, taken_by: &str) -> Result<Statement, FormError> {
        Ok(Statement {
            account: Some(self.account.clone()).filter(|account| !account.is_empty()),
            capacity: self.capacity()?.unwrap_or(Capacity::Agency),
            solicited: yes(&self.solicited)?.unwrap_or_default(),
            received_at: None,
            taken_by: taken_by.to_owned(),
        })
    }

    fn capacity(&self) -> Result<Option<Capacity>, FormError> {
        match self.capacity.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(malformed),
        }
    }
}

impl SignedOrder {
    /// The order as the owner signed it.
    pub fn order(&self) -> Order {
        Order {
            owner: self.owner,
            side: self.side.code(),
            security: self.security,
            payment: self.payment,
            quantity: self.quantity,
            limitTotal: self.limit_total,
            expiry: self.expiry,
            epoch: self.epoch,
            counterparty: self.counterparty,
            boardRef: self.board_ref,
        }
    }

    /// Whether its id is the digest of its content.
    ///
    /// # Errors
    /// Both ids, in words.
    pub fn check_id(&self) -> Result<(), String> {
        let digest = OrderHasher::new(self.chain_id, self.settlement).id(&self.order());
        if digest == self.id {
            return Ok(());
        }
        Err(format!(
            "the file says id {}, but the order's digest is {digest}: it was changed after it was signed",
            self.id
        ))
    }

    /// Whether it is signed for this chain and settlement contract.
    pub fn is_for(&self, chain_id: u64, settlement: Address) -> bool {
        (self.chain_id, self.settlement) == (chain_id, settlement)
    }
}

fn yes(text: &str) -> Result<Option<bool>, FormError> {
    // Spreadsheets write TRUE.
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "yes" | "true" => Ok(Some(true)),
        "no" | "false" => Ok(Some(false)),
        _ => Err(malformed(format!("solicited is '{text}': write yes or no"))),
    }
}

/// Unix seconds of the order's end: after now, and within the time that the settlement contract allows an order.
fn expiry(text: &str, now: Timestamp) -> Result<u64, FormError> {
    let now = u64::try_from(now.as_second()).map_err(malformed)?;
    let moment: Moment = text.parse().map_err(malformed)?;
    let expiry = moment.after(now).map_err(refused)?;
    let latest = now.saturating_add(MAX_LIFETIME);
    if expiry <= now {
        return Err(refused(format!(
            "`{text}` has passed: the order must end after now, {} at the latest",
            date(latest)
        )));
    }
    if expiry > latest {
        return Err(refused(format!(
            "`{text}` is too far ahead: an order lasts at most {} days, so the last day allowed is {}",
            MAX_LIFETIME / 86_400,
            date(latest)
        )));
    }
    Ok(expiry)
}

#[cfg(test)]
mod tests {
    use alloy::signers::local::PrivateKeySigner;

    use super::*;

    fn form() -> OrderForm {
        OrderForm {
            side: "bid".into(),
            security: "HRBR".into(),
            quantity: "100".into(),
            price: "10.25".into(),
            expires: "30d".into(),
            account: "A-1".into(),
            ..OrderForm::default()
        }
    }

    fn venue() -> Venue {
        Venue {
            chain_id: 412_346,
            settlement: Address::repeat_byte(1),
            payment: Address::repeat_byte(2),
        }
    }

    #[test]
    fn a_signed_form_recovers_to_its_signer_and_survives_a_file() {
        let key = Signer::from(PrivateKeySigner::random());
        let signed = form()
            .sign(&venue(), Address::repeat_byte(3), 6, &key, 0)
            .unwrap();
        assert_eq!(signed.limit_total, U256::from(1_025_000_000));
        let signature = alloy::primitives::Signature::try_from(&signed.signature[..]).unwrap();
        assert_eq!(
            signature.recover_address_from_prehash(&signed.id).unwrap(),
            key.address()
        );
        let text = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<SignedOrder>(&text).unwrap(), signed);
    }

    /// The page and the schema name exactly the members that are written.
    #[test]
    fn the_schema_has_every_member_of_a_signed_order() {
        const STATED: [&str; 3] = ["account", "capacity", "solicited"];
        let key = Signer::from(PrivateKeySigner::random());
        let form = OrderForm {
            capacity: "agency".into(),
            solicited: "no".into(),
            ..form()
        };
        let signed = form.sign(&venue(), Address::repeat_byte(3), 6, &key, 0);
        let signed = serde_json::to_value(signed.unwrap()).unwrap();
        let schema = include_str!("../../docs/signed-order.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let names = |value: &serde_json::Value| {
            let members = value.as_object().unwrap().keys();
            members.cloned().collect::<std::collections::BTreeSet<_>>()
        };
        let required = schema["required"].as_array().unwrap().iter();
        let required: std::collections::BTreeSet<_> = required
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names(&schema["properties"]), names(&signed));
        let mut always = names(&signed);
        always.retain(|name| !STATED.contains(&name.as_str()));
        assert_eq!(required, always);
        assert_eq!(schema["additionalProperties"], false);
        let page = include_str!("../../docs/signed-order.md");
        for name in names(&signed) {
            assert!(page.contains(&format!("`{name}`")), "{name}");
            let without = {
                let mut without = signed.clone();
                without.as_object_mut().unwrap().remove(&name);
                without
            };
            let stated = STATED.contains(&name.as_str());
            assert_eq!(
                serde_json::from_value::<SignedOrder>(without).is_ok(),
                stated,
                "{name}"
            );
        }
        let hexadecimal = signed["quantity"].as_str().unwrap();
        assert!(hexadecimal.starts_with("0x"), "{hexadecimal}");
    }

    #[test]
    fn an_id_that_is_not_the_digest_and_an_unknown_member_are_refused() {
        let key = Signer::from(PrivateKeySigner::random());
        let signed = form().sign(&venue(), Address::repeat_byte(3), 6, &key, 0);
        let signed = signed.unwrap();
        assert_eq!(signed.check_id(), Ok(()));
        let other = alloy::primitives::B256::repeat_byte(0xab);
        let renamed = SignedOrder {
            id: other,
            ..signed.clone()
        };
        let words = renamed.check_id().unwrap_err();
        assert!(words.contains(&other.to_string()), "{words}");
        assert!(words.contains(&signed.id.to_string()), "{words}");
        let altered = SignedOrder {
            epoch: 1,
            ..signed.clone()
        };
        assert!(altered.check_id().is_err());
        let mut json = serde_json::to_value(&signed).unwrap();
        json["hidden_fee"] = 1.into();
        let refused = serde_json::from_value::<SignedOrder>(json).unwrap_err();
        assert!(refused.to_string().contains("hidden_fee"), "{refused}");
    }

    #[test]
    fn a_price_that_does_not_come_out_whole_is_refused_with_the_nearest() {
        let form = OrderForm {
            price: "0.0000001".into(),
            quantity: "1".into(),
            ..form()
        };
        let refused = form.sign(
            &venue(),
            Address::ZERO,
            6,
            &Signer::from(PrivateKeySigner::random()),
            0,
        );
        let FormError::Refused(words) = refused.unwrap_err() else {
            panic!("taken for a misspelling")
        };
        assert!(words.contains("whole"), "{words}");
    }

    #[test]
    fn a_number_that_could_mean_two_things_is_not_signed() {
        let sign = |form: OrderForm| {
            let signed = form.sign(
                &venue(),
                Address::ZERO,
                6,
                &Signer::from(PrivateKeySigner::random()),
                0,
            );
            signed.unwrap_err()
        };
        for (price, words) in [
            ("24,35", "`24,35`: write 24.35"),
            ("1.355,90", "`1.355,90`: write 1355.9"),
            ("24,350", "`24,350`: write 24350 or 24.35"),
        ] {
            let price = price.to_string();
            let refused = sign(OrderForm { price, ..form() });
            assert_eq!(refused, FormError::Malformed(words.into()));
        }
        let quantity = "2,5".to_string();
        let refused = sign(OrderForm { quantity, ..form() });
        assert_eq!(refused, FormError::Malformed("`2,5`: write 2.5".into()));
    }

    #[test]
    fn an_expiry_lies_after_now_and_at_most_366_days_ahead() {
        // 2026-11-28 12:00:00 UTC.
        let now = Timestamp::from_second(1_795_867_200).unwrap();
        assert_eq!(expiry("2d", now), Ok(1_795_867_200 + 172_800));
        assert_eq!(expiry("1h", now), Ok(1_795_870_800));
        assert_eq!(expiry("2027-01-01", now), Ok(1_798_761_600));
        assert_eq!(expiry("366d", now), Ok(1_795_867_200 + 31_622_400));
        assert_eq!(expiry("2027-11-29", now), Ok(1_827_446_400));
        for (text, words) in [
            (
                "2027-11-30",
                "`2027-11-30` is too far ahead: an order lasts at most 366 days, so the last day allowed is 2027-11-29",
            ),
            (
                "367d",
                "`367d` is too far ahead: an order lasts at most 366 days, so the last day allowed is 2027-11-29",
            ),
            (
                "2026-11-28",
                "`2026-11-28` has passed: the order must end after now, 2027-11-29 at the latest",
            ),
            (
                "0s",
                "`0s` has passed: the order must end after now, 2027-11-29 at the latest",
            ),
        ] {
            assert_eq!(expiry(text, now), Err(FormError::Refused(words.into())));
        }
        for text in [
            "",
            "d",
            "soon",
            "-1d",
            "30",
            "1798761600",
            "20270101",
            "1798761600000",
        ] {
            let refused = expiry(text, now);
            assert!(
                matches!(refused, Err(FormError::Malformed(_))),
                "{text}: {refused:?}"
            );
        }
    }
}
