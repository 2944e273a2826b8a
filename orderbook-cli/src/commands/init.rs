//! `init`: a profile, by flags or in a conversation, and the book once the settlement contract is known.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use book::market::lei::Lei;
use book::market::literal::decimal;
use clap::Args;
use serde_json::json;

use super::books::Books;
use super::context::Context;
use super::failure::{Failure, Result};
use super::init_talk::{Talk, unsaid};
use super::opening::{new_book, restore};
use crate::config::change::{Change, changes, keep_copy};
use crate::config::profile::{BrokerDealer, FILE_NAME, Roles, file_of};
use crate::config::{ConfigError, Overrides, Profile};
use crate::render::Answer;

/// Write a profile; on a profile that has a settlement contract, create its book
///
/// On a terminal and without options of its own it asks for everything, checks each answer and writes at the end.
/// Otherwise the values come from flags. An existing profile keeps whatever is not given, and is changed only with
/// --force: the changes are shown, and a copy of the old profile is kept beside it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook init                 ask for everything\n  orderbook init --name desk --broker-dealer 'Harbor Street Securities LLC' --crd 123456 \\\n      --lei 5493001KJTIIGC8Y1R12 --rpc-url http://127.0.0.1:8547 --role operator=desk --role principal=ruth\n  orderbook init --role attestor=auditor --force      change one thing of an existing profile\n  orderbook init --book          create the book of an existing profile\n  orderbook init --book --from book.jsonl      restore it from a file of `export book`"
)]
pub(super) struct Init {
    /// Name of the profile
    #[arg(long)]
    name: Option<String>,
    /// Real money: confirm before anything is sent
    #[arg(long)]
    live: bool,
    /// The broker-dealer's legal name
    #[arg(long, value_name = "NAME", requires_all = ["crd", "lei"])]
    broker_dealer: Option<String>,
    /// Its CRD number
    #[arg(long, value_name = "NUMBER", requires = "broker_dealer", value_parser = decimal::whole::<u64>)]
    crd: Option<u64>,
    /// Its LEI
    #[arg(long, requires = "broker_dealer")]
    lei: Option<String>,
    /// The wallet that acts in a role, such as operator=desk; can be repeated
    #[arg(long, value_name = "ROLE=WALLET", value_parser = role_of)]
    role: Vec<(String, String)>,
    /// Create the book of the profile, whose settlement contract must be on chain
    #[arg(long)]
    book: bool,
    /// Restore that book from a file of `export book`, into a store without a book; needs no chain
    #[arg(long, value_name = "FILE", requires = "book")]
    from: Option<PathBuf>,
    /// Change an existing profile; a copy of it is kept
    #[arg(long)]
    force: bool,
}

/// `operator=desk`.
fn role_of(text: &str) -> std::result::Result<(String, String), String> {
    let known = || {
        format!(
            "write ROLE=WALLET, where ROLE is default, {}",
            Roles::NAMES.join(", ")
        )
    };
    let (role, wallet) = text.split_once('=').ok_or_else(known)?;
    let (role, wallet) = (role.trim(), wallet.trim());
    if wallet.is_empty() || !Roles::default().name(role, wallet.to_owned()) {
        return Err(known());
    }
    Ok((role.to_owned(), wallet.to_owned()))
}

/// The profile that exists already, if any.
struct Found {
    path: PathBuf,
    /// As it is; `None` if there is none, or none that can be read.
    profile: Option<Profile>,
    there: bool,
}

impl Found {
    /// Reads what is there. With `force`, a file that is not a valid profile counts as existing: a copy of it is kept.
    fn read(overrides: &Overrides, force: bool) -> Result<Self> {
        let named = overrides.profile.clone();
        let path = file_of(named.unwrap_or_else(|| FILE_NAME.into()));
        let (profile, there) = match Profile::read(&path) {
            Ok(profile) => (Some(profile), true),
            Err(ConfigError::Missing(_)) => (None, false),
            Err(ConfigError::Malformed { .. }) if force => (None, true),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            path,
            profile,
            there,
        })
    }
}

impl Init {
    pub(super) async fn run(self, overrides: &Overrides, json: bool, books: &Books) -> Result {
        if self.book {
            let context = Context::new(overrides, json, books)?;
            return match &self.from {
                Some(file) => restore(&context, file).await,
                None => new_book(&context).await,
            };
        }
        let found = Found::read(overrides, self.force)?;
        let before = found.profile.clone();
        let start = before.clone().unwrap_or_else(unsaid);
        let start = with_settings(start, overrides);
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let (after, force) = if terminal && !json && self.is_silent() {
            let mut talk = Talk::at_terminal();
            let after = talk.profile(start).await?;
            let changed = changes(&before.clone().unwrap_or_default(), &after)?;
            (after, talk.agree(&found.path, found.there, &changed).await?)
        } else {
            let force = self.force;
            (self.described(start)?, force)
        };
        write(&found, &after, force)
    }

    /// No option of its own was given, so everything is asked for.
    fn is_silent(&self) -> bool {
        let named = self.name.is_some() || self.broker_dealer.is_some() || !self.role.is_empty();
        !named && !self.live && !self.force
    }

    /// The profile, with what the flags say.
    fn described(self, mut profile: Profile) -> Result<Profile> {
        if let (Some(name), Some(crd), Some(lei)) = (self.broker_dealer, self.crd, self.lei) {
            lei.parse::<Lei>().map_err(Failure::usage)?;
            profile.broker_dealer = Some(BrokerDealer { name, crd, lei });
        }
        if let Some(name) = self.name {
            profile.name = name;
        }
        profile.live |= self.live;
        for (role, wallet) in self.role {
            profile.roles.name(&role, wallet);
        }
        Ok(profile)
    }
}

/// The profile, with the settings that every command takes.
fn with_settings(mut profile: Profile, overrides: &Overrides) -> Profile {
    fn set<T>(place: &mut Option<T>, value: Option<T>) {
        if value.is_some() {
            *place = value;
        }
    }
    let path_of = |path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        Some(path.to_string_lossy().into_owned())
    };
    set(&mut profile.rpc_url, overrides.rpc_url.clone());
    set(&mut profile.chain_id, overrides.chain_id);
    set(&mut profile.store, overrides.store.clone());
    set(&mut profile.wallets, path_of(&overrides.wallets));
    set(&mut profile.code, path_of(&overrides.code));
    set(
        &mut profile.password_file,
        path_of(&overrides.password_file),
    );
    set(&mut profile.actor, overrides.actor.clone());
    set(&mut profile.timeout, overrides.timeout);
    set(&mut profile.gas_cap, overrides.gas_cap);
    set(&mut profile.roles.default, overrides.wallet.clone());
    set(&mut profile.addresses.coin, overrides.coin);
    set(&mut profile.addresses.settlement, overrides.settlement);
    profile
}

/// Writes the profile, beside a copy of the one before it.
fn write(found: &Found, after: &Profile, force: bool) -> Result {
    let Found {
        path,
        profile,
        there,
    } = found;
    let changed = changes(&profile.clone().unwrap_or_default(), after)?;
    if *there && !force {
        return Err(exists(path, &changed));
    }
    if let Some(before) = profile {
        if changed.is_empty() {
            let words = format!("nothing to do: {} already says so", path.display());
            return Ok(Answer::line(
                json!({ "profile": path, "changed": [] }),
                words,
            ));
        }
        same_chain(before, after)?;
    }
    let folder = path.parent();
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| Failure::other(format!("{}: {e}", folder.display())))?;
    }
    let copy = if *there { Some(keep_copy(path)?) } else { None };
    after.write(path)?;
    let mut lines = vec![format!("profile written to {}", path.display())];
    if let Some(copy) = &copy {
        lines.extend(changed.iter().map(|change| format!("  {change}")));
        lines.push(format!("the previous one is kept as {}", copy.display()));
    }
    let next = next(path, after);
    lines.push("next:".into());
    lines.extend(next.iter().map(|command| format!("  {command}")));
    let told: Vec<_> = changed.iter().map(ToString::to_string).collect();
    let data = json!({ "profile": path, "changed": told, "copy": copy, "next": next });
    Ok(Answer::line(data, lines.join("\n")))
}

/// What would change in an existing profile.
fn exists(path: &Path, changed: &[Change]) -> Failure {
    let told: Vec<_> = changed.iter().map(ToString::to_string).collect();
    let failure = Failure::from(ConfigError::Exists(path.to_path_buf()));
    let lines = match told.len() {
        0 => "it already says all that".to_owned(),
        _ => format!("what would change:\n  {}", told.join("\n  ")),
    };
    failure.found(Answer::line(
        json!({ "profile": path, "changed": told }),
        lines,
    ))
}

/// A profile that has addresses belongs to the chain on which they are.
fn same_chain(before: &Profile, after: &Profile) -> Result<()> {
    let addresses = &before.addresses;
    let bound =
        addresses.coin.is_some() || addresses.settlement.is_some() || !before.securities.is_empty();
    match (before.chain_id, after.chain_id) {
        (Some(one), Some(other)) if bound && one != other => {
            let words = format!(
                "the profile's contracts are on chain {one}: it cannot be moved to chain {other}"
            );
            Err(Failure::refused("OTHER_CHAIN", words)
                .hint("nothing was written; write another profile beside it: orderbook init --profile OTHER.toml"))
        }
        _ => Ok(()),
    }
}

/// The commands that come next.
fn next(path: &Path, profile: &Profile) -> Vec<String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let wallets = folder.join(profile.wallets.as_deref().unwrap_or("wallets"));
    let named = Roles::NAMES
        .iter()
        .filter_map(|role| profile.roles.wallet(role));
    let named: std::collections::BTreeSet<_> = named.collect();
    let missing = named
        .iter()
        .filter(|name| !wallets.join(format!("{name}.json")).exists());
    let mut next: Vec<_> = missing
        .map(|name| format!("orderbook wallet new {name}"))
        .collect();
    if named.is_empty() {
        next.push("orderbook wallet new desk".into());
    }
    if profile.addresses.coin.is_none() {
        next.push("orderbook deploy coin".into());
    }
    if profile.addresses.settlement.is_none() && profile.broker_dealer.is_some() {
        next.push("orderbook deploy settlement".into());
        next.push("orderbook staff admin NAME --key WALLET".into());
    }
    next.push("orderbook doctor".into());
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_with_its_wallet() {
        let desk = ("operator".to_owned(), "desk".to_owned());
        assert_eq!(role_of("operator=desk"), Ok(desk.clone()));
        assert_eq!(role_of(" operator = desk "), Ok(desk));
        for bad in ["operator", "operator=", "=desk", "treasurer=desk", ""] {
            assert!(role_of(bad).unwrap_err().contains("staff_admin"), "{bad}");
        }
    }

    #[test]
    fn what_is_not_said_stays() {
        let before = Profile {
            chain_id: Some(7),
            actor: Some("dana".into()),
            ..unsaid()
        };
        let flags = Overrides {
            actor: Some("ruth".into()),
            ..Overrides::default()
        };
        let after = with_settings(before.clone(), &flags);
        let wanted = Profile {
            actor: Some("ruth".into()),
            ..before
        };
        assert_eq!(after, wanted);
    }
}
