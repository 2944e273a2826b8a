//! An order before it is signed, as a person fills it in, and the signed order as a file.

use std::io::Read;

use alloy::primitives::{Address, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use book::board::posting::Posting;
use book::market::address;
use book::market::amount::parse_units;
use book::market::order::{Order, OrderHasher, Side, new_board_ref};
use book::market::price::Price;
use book::market::record::Capacity;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::error::DeskError;
use super::sheet;

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
#[derive(Clone, Debug, Default, Deserialize)]
pub struct OrderForm {
    /// `bid` or `ask`.
    pub side: String,
    /// Symbol, ISIN or token of the security.
    pub security: String,
    /// Whole tokens, with decimals.
    pub quantity: String,
    /// Dollars for each whole token.
    pub price: String,
    /// `30d`, `12h`, or a date: the order is dead from its first second (UTC) on.
    pub expires: String,
    /// The customer's account.
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

/// A signed order as it travels from the customer to the desk.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
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
    /// The customer's account.
    pub account: String,
    /// The broker-dealer's capacity.
    pub capacity: Capacity,
    /// Whether the broker-dealer solicited it.
    pub solicited: bool,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// 65 bytes, or any length for an account with code.
    pub signature: Bytes,
}

impl OrderForm {
    /// Fills the form's order: price times quantity must come out whole in the coin's base units.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn fill(
        &self,
        venue: &Venue,
        token: Address,
        decimals: u8,
        owner: Address,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(Order, Price), String> {
        let side: Side = self.side.parse().map_err(|e| format!("{e}"))?;
        let quantity = parse_units(&self.quantity, decimals).map_err(|e| e.to_string())?;
        let quantity =
            u128::try_from(quantity).map_err(|_| "the quantity is too large".to_string())?;
        let price: Price = self
            .price
            .replace([',', '_'], "")
            .parse()
            .map_err(|e| format!("{e}"))?;
        let total = price.total(quantity, decimals).map_err(|e| e.to_string())?;
        let counterparty = match self.counterparty.as_str() {
            "" => Address::ZERO,
            text => address::parse(text).map_err(|e| e.to_string())?,
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
    /// What is wrong, in words.
    pub fn sign(
        &self,
        venue: &Venue,
        token: Address,
        decimals: u8,
        signer: &PrivateKeySigner,
        epoch: u64,
    ) -> Result<SignedOrder, String> {
        let now = Timestamp::now();
        let (order, price) = self.fill(venue, token, decimals, signer.address(), epoch, now)?;
        let id = OrderHasher::new(venue.chain_id, venue.settlement).id(&order);
        let signature = signer.sign_hash_sync(&id).map_err(|e| e.to_string())?;
        let capacity = if self.capacity.is_empty() {
            "agency"
        } else {
            &self.capacity
        };
        Ok(SignedOrder {
            chain_id: venue.chain_id,
            settlement: venue.settlement,
            id,
            owner: order.owner,
            side: self.side.parse().map_err(|e| format!("{e}"))?,
            security: order.security,
            payment: order.payment,
            quantity: order.quantity,
            limit_total: order.limitTotal,
            expiry: order.expiry,
            epoch,
            counterparty: order.counterparty,
            board_ref: order.boardRef,
            price,
            account: self.account.clone(),
            capacity: capacity.parse().map_err(|e| format!("{e}"))?,
            solicited: yes(&self.solicited)?,
            signed_at: now,
            signature: signature.as_bytes().to_vec().into(),
        })
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

    /// Whether it is signed for this chain and settlement contract.
    pub fn is_for(&self, chain_id: u64, settlement: Address) -> bool {
        (self.chain_id, self.settlement) == (chain_id, settlement)
    }

    /// What the board needs to post it.
    pub fn posting(&self, taken_by: &str) -> Posting {
        Posting {
            order: self.order(),
            signature: self.signature.clone(),
            price: Some(self.price),
            account: self.account.clone(),
            capacity: self.capacity,
            solicited: self.solicited,
            received_at: Timestamp::now(),
            taken_by: taken_by.to_string(),
        }
    }
}

/// Reads a file of forms with the line of each.
///
/// # Errors
/// `File` when it is no CSV with these columns, `Rows` with every row of the wrong length.
pub fn read(file: impl Read) -> Result<Vec<(u64, OrderForm)>, DeskError> {
    sheet::rows(file)
}

fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "" | "no" | "false" => Ok(false),
        _ => Err(format!("solicited is '{text}': write yes or no")),
    }
}

/// `30d`, `12h` from now, or a date.
fn expiry(text: &str, now: Timestamp) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no expiry: write 30d, 12h or a date (2027-06-30)");
    let now = u64::try_from(now.as_second()).map_err(|_| wrong())?;
    let span = |count: &str, seconds: u64| {
        count
            .parse::<u64>()
            .ok()?
            .checked_mul(seconds)?
            .checked_add(now)
    };
    if let Some(days) = text.strip_suffix('d') {
        return span(days, 86_400).ok_or_else(wrong);
    }
    if let Some(hours) = text.strip_suffix('h') {
        return span(hours, 3_600).ok_or_else(wrong);
    }
    let date: Date = text.parse().map_err(|_| wrong())?;
    let at = date
        .to_zoned(TimeZone::UTC)
        .map_err(|_| wrong())?
        .timestamp();
    u64::try_from(at.as_second()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
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
        let key = PrivateKeySigner::random();
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

    #[test]
    fn a_price_that_does_not_come_out_whole_is_refused_with_the_nearest() {
        let form = OrderForm {
            price: "0.0000001".into(),
            quantity: "1".into(),
            ..form()
        };
        let refused = form.sign(&venue(), Address::ZERO, 6, &PrivateKeySigner::random(), 0);
        assert!(refused.unwrap_err().contains("whole"));
    }

    #[test]
    fn expiry_is_a_span_or_a_date() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(expiry("2d", now), Ok(1_000 + 172_800));
        assert_eq!(expiry("1h", now), Ok(4_600));
        assert_eq!(expiry("2025-01-01", now), Ok(1_735_689_600));
        for text in ["", "d", "soon", "-1d", "99999999999999999999d"] {
            assert!(expiry(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn a_form_file_keeps_line_numbers() {
        let text =
            "side,security,quantity,price,expires,account\nbid,H,1,2,3d,A\n\nask,H,1,2,3d,B\n";
        let forms = read(text.as_bytes()).unwrap();
        assert_eq!(
            forms.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            [2, 4]
        );
    }
}
