//! Changing the staff.

use alloy::primitives::{Address, B256};
use uuid::Uuid;

use super::act::{self, ActError, check_signature, check_time};
use super::error::BoardError;
use super::posting::text;
use super::{BOOK, Board, only};
use crate::log::By;
use crate::log::act::{Act, ActHasher, Told};
use crate::log::body::Body;
use crate::log::event::Event;
use crate::log::fact::SigningDemanded;
use crate::log::staff::{self, StaffChange, StaffChanged};
use crate::store::append::Draft;
use crate::store::{platform, query, row};

/// What the signers of a change sign.
pub(super) fn check_signatures(
    hasher: &ActHasher,
    changed: &StaffChanged,
    reason: &str,
) -> Result<(), ActError> {
    let subject = staff::subject(&changed.change, changed.id);
    let told = Told::about(Act::Staff, subject, reason);
    for signed in std::iter::once(&changed.signed).chain(&changed.second) {
        check_signature(hasher, &told, signed)?;
    }
    Ok(())
}

impl Board {
    /// Changes the staff; sessions of a person who is suspended, or of a wallet that is ended, end in the same commit.
    /// The caller must check on chain that the wallet that signs [`StaffChange::AdminNamed`] is the settlement
    /// contract's default admin.
    ///
    /// # Errors
    /// [`BoardError::Text`] (reason), [`ActError::Time`], [`ActError::Malformed`], [`ActError::OtherSigner`],
    /// [`ActError::Staff`] with the first rule that is broken, or the store's.
    pub async fn change_staff(
        &self,
        changed: StaffChanged,
        reason: &str,
    ) -> Result<Event, BoardError> {
        if !reason.is_empty() {
            text("reason", reason, 1_000)?;
        }
        let now = self.store.clock().now();
        for signed in std::iter::once(&changed.signed).chain(&changed.second) {
            check_time(signed, now)?;
        }
        check_signatures(&self.act_hasher(), &changed, reason)?;
        let mut writer = self.store.writer().await?;
        let seq = writer.size() + 1;
        let before = self.roster_in(&mut writer.link().await?).await?;
        let mut after = (*before).clone();
        after.apply(seq, &changed).map_err(ActError::from)?;
        let actor = match changed.change {
            // Not anybody's on the staff yet.
            StaffChange::AdminNamed { .. } => changed.signed.wallet.to_string().to_lowercase(),
            _ => before
                .signer(changed.signed.wallet, seq)
                .map_err(ActError::from)?
                .name
                .clone(),
        };
        let person = after
            .person(changed.change.person())
            .map_err(ActError::from)?;
        let (subject, by) = (person.name.clone(), By::new(actor).because(reason));
        let ended: Vec<Address> = match &changed.change {
            StaffChange::WalletEnded { wallet, .. } => vec![*wallet],
            StaffChange::Suspended { .. } => {
                let wallets = after.wallets(&person.name);
                wallets.map(|(wallet, _)| wallet).collect()
            }
            _ => Vec::new(),
        };
        let draft = Draft::new(subject, now, &by, Body::StaffChanged(changed))?;
        let event = only(writer.append(vec![draft]).await?)?;
        for wallet in ended {
            platform::drop_sessions(&mut writer, wallet);
        }
        writer.commit().await?;
        Ok(event)
    }

    /// The event of a change, by the id that its signer drew.
    ///
    /// # Errors
    /// The store's.
    pub async fn staff_change(&self, id: Uuid) -> Result<Option<Event>, BoardError> {
        let mut reader = self.store.reader().await?;
        for found in query::staff_events(&mut reader.link()).await? {
            let event = row::event(found)?;
            let body = row::body(event.seq, event.kind, &event.body)?;
            if matches!(body, Body::StaffChanged(changed) if changed.id == id) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Every staff change, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn staff_changes(&self) -> Result<Vec<(Event, StaffChanged)>, BoardError> {
        let mut reader = self.store.reader().await?;
        let mut changes = Vec::new();
        for found in query::staff_events(&mut reader.link()).await? {
            let event = row::event(found)?;
            let body = row::body(event.seq, event.kind, &event.body)?;
            if let Body::StaffChanged(changed) = body {
                changes.push((event, changed));
            }
        }
        Ok(changes)
    }

    /// Demands signatures from here on; this cannot be undone. An admin person signs [`Act::Demand`], which has no
    /// subject.
    ///
    /// # Errors
    /// [`ActError`], [`BoardError::Text`], or the store's.
    pub async fn demand_signing(&self, by: By) -> Result<Event, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let seq = writer.size() + 1;
        let told = Told::about(Act::Demand, B256::ZERO, "");
        let by = self.authorise(&mut writer, by, told, false).await?;
        let wallet = by.signed.as_ref().map(|signed| signed.wallet);
        let before = self.roster_in(&mut writer.link().await?).await?;
        if let (None, None) = (before.demanded(), wallet) {
            let (act, actor) = (Act::Demand, by.actor);
            return Err(ActError::Unsigned { act, actor }.into());
        }
        let mut after = (*before).clone();
        after.demand(seq, wallet).map_err(ActError::from)?;
        let signed = by.signed.clone();
        let body = Body::SigningDemanded(SigningDemanded { signed });
        let draft = Draft::new(BOOK, self.store.clock().now(), &by, body)?;
        let event = only(writer.append(vec![draft]).await?)?;
        writer.commit().await?;
        Ok(event)
    }
}

/// The actors of acts without a person, among which a name on the staff would hide.
pub fn is_nobody(actor: &str) -> bool {
    [act::WEB, act::FROM_CHAIN, BOOK].contains(&staff::key(actor).as_str())
}
