//! One deployment from its first check to its answer: what it needs is checked before anything is sent, no address of
//! the profile is replaced unless asked, and what an earlier run began is continued.

use alloy::primitives::{Address, B256, U256};
use book::market::amount::units;
use desk::carry;
use desk::chain::cost;
use desk::chain::deploy::{self, Constructor, Deployed, Deployment};
use desk::chain::{Ground, Target};
use desk::journal::Task;
use jiff::Timestamp;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::config::change::keep_copy;
use crate::config::profile::Roles;

/// Decimals of ether.
const ETHER: u8 = 18;

/// What to deploy.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What it is constructed with.
    pub(super) constructor: Constructor,
    /// The command, without flags: `deploy coin`.
    pub(super) command: String,
    /// The address that the profile has for it.
    pub(super) known: Option<Address>,
    /// Whether another one may take that address's place in the profile.
    pub(super) replace: bool,
    /// What that breaks.
    pub(super) breaks: &'static str,
    /// The profile's roles that are granted afterwards, if the sender is the admin.
    pub(super) roles: &'static [(&'static str, &'static str)],
    /// Further settings after that.
    pub(super) settings: u64,
}

/// A deployment that has all it needs.
#[derive(Debug)]
pub(super) struct Ready {
    wanted: Wanted,
    ground: Ground,
    sender: Address,
    key: B256,
    /// Whether an earlier run of the same command has begun it.
    begun: bool,
}

/// Refuses a command that writes into the profile if there is none.
pub(super) fn has_profile(context: &Context) -> Result<()> {
    if context.settings.has_profile() {
        return Ok(());
    }
    let words = "there is no profile to write the address to";
    Err(Failure::new(Exit::Usage, "NO_PROFILE", words).hint("make one with: orderbook init"))
}

impl Ready {
    /// Checks chain, factory, profile, roles, and ether; nothing is sent. `first` are contracts that must exist before.
    pub(super) async fn of(
        context: &Context,
        wanted: Wanted,
        first: Option<Target>,
    ) -> Result<Self> {
        let sender = context.account(&context.wallet_of("admin")?)?;
        let chain = context.chain().await?;
        let key = wanted.constructor.digest(&chain, sender);
        let task = context.journal().task(key)?;
        let book = match &task {
            Some(_) => context.board_if_opened().await?,
            None => context.board_if_any().await?,
        };
        let ground = Ground::new(chain, book);
        if let Some(first) = first {
            ground.contract(first).await?;
        }
        ground.contract(Target::Deployer(deploy::FACTORY)).await?;
        let ready = Self {
            begun: task.is_some(),
            wanted,
            ground,
            sender,
            key,
        };
        ready.keeps_the_address(task.as_ref())?;
        ready.roles_apart(context)?;
        if !ready.begun {
            ready.ether(context).await?;
        }
        Ok(ready)
    }

    /// Whether an earlier run of the same command has begun it.
    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    /// Refuses to replace an address unless this run was told to, or an earlier run of the same command wrote it.
    fn keeps_the_address(&self, task: Option<&Task>) -> Result<()> {
        let Wanted {
            known,
            replace,
            command,
            breaks,
            ..
        } = &self.wanted;
        let Some(address) = known.filter(|_| !replace) else {
            return Ok(());
        };
        if task.is_some_and(|task| task.before != Some(address)) {
            return Ok(());
        }
        let what = command.trim_start_matches("deploy ");
        let words = format!("the profile already has its {what}: {address}; nothing was sent");
        Err(Failure::refused("ADDRESS_EXISTS", words).hint(format!(
            "to put another in its place, run the same command with --replace. {breaks}"
        )))
    }

    /// Every role has a wallet, and those that the contract keeps apart have two.
    fn roles_apart(&self, context: &Context) -> Result<()> {
        if self.wanted.constructor.admin() != Some(self.sender) {
            return Ok(());
        }
        let holder = |role: &str| -> Result<(String, Address)> {
            let wallet = match role {
                "admin" => context.wallet_of(role)?,
                _ => context.holder_of(role)?,
            };
            let account = context.account(&wallet)?;
            Ok((wallet, account))
        };
        for (_, role) in self.wanted.roles {
            holder(role)?;
        }
        let granted =
            |role: &str| role == "admin" || self.wanted.roles.iter().any(|(_, one)| *one == role);
        for (one, other, contract) in Roles::APART {
            let together =
                granted(one) && granted(other) && self.wanted.command.ends_with(contract);
            if !together {
                continue;
            }
            let ((wallet, account), (_, second)) = (holder(one)?, holder(other)?);
            if account == second {
                let words = format!(
                    "the wallet {wallet} would be both {one} and {other}, which the {contract} contract keeps apart; nothing was \
                     sent"
                );
                return Err(Failure::refused("ROLES_TOGETHER", words).hint(format!(
                    "name another wallet: orderbook init --role {other}=WALLET --force"
                )));
            }
        }
        Ok(())
    }

    /// The sender can pay for all of it.
    async fn ether(&self, context: &Context) -> Result<()> {
        let Wanted {
            constructor,
            roles,
            settings,
            ..
        } = &self.wanted;
        let code = context.settings.code().of(constructor.package())?;
        let grants = if constructor.admin() == Some(self.sender) {
            settings.saturating_add(roles.len() as u64)
        } else {
            0
        };
        let chain = self.ground.chain();
        let cost = cost::of(chain, self.sender, &code, constructor, grants).await?;
        let has = chain.ether(self.sender).await?;
        if has >= cost.ether {
            return Ok(());
        }
        let ether = |wei: U256| units(wei, ETHER);
        let words = format!(
            "{} has {} ether, and deploying takes up to {}; nothing was sent",
            context.party(&self.sender.to_string())?,
            ether(has),
            ether(cost.ether)
        );
        let missing = ether(cost.ether.saturating_sub(has));
        Err(Failure::refused("NOT_ENOUGH_ETHER", words).hint(format!(
            "send it {missing} ether, or name another wallet with --wallet"
        )))
    }

    /// Deploys, or finds what an earlier run deployed. Until the answer is given, the journal says that it has begun.
    pub(super) async fn send(&self, context: &Context) -> Result<Deployed> {
        let package = self.wanted.constructor.package();
        let what = format!("deploying {package}");
        let words = match self.wanted.known.filter(|_| self.wanted.replace) {
            Some(address) => format!("{what} in place of {address}"),
            None => what.clone(),
        };
        let signer = context.sender("admin", words.as_str())?;
        let journal = context.journal();
        if !self.begun {
            if self.wanted.replace && self.wanted.known.is_some() {
                keep_copy(context.settings.path())?;
            }
            journal.begin(Task {
                key: self.key,
                at: Timestamp::now(),
                before: self.wanted.known,
                what: self.wanted.command.clone(),
            })?;
        }
        context.say(self.key);
        let sent = self.carried_out(context, &signer, &what).await;
        if sent.is_err() && journal.flights()?.is_empty() {
            // Nothing was sent: it was refused, and has not begun.
            journal.strike(&[self.key])?;
        }
        sent
    }

    async fn carried_out(
        &self,
        context: &Context,
        signer: &desk::signing::signer::Signer,
        what: &str,
    ) -> Result<Deployed> {
        let (ground, journal) = (&self.ground, context.journal());
        let constructor = self.wanted.constructor.clone();
        let code = context.settings.code().of(constructor.package())?;
        let parts = deploy::fragments(ground.chain(), &code).await?;
        let placed = carry::put_fragments(ground, signer, &journal, &parts).await?;
        let (fragments, keys): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        let deployment = Deployment::of(ground, code.into_owned(), &fragments, constructor).await?;
        let carried = carry::carry_out(&deployment.act, signer, &journal, what).await?;
        for key in keys {
            context.say(key);
        }
        context.say(carried.done.hash());
        Ok(deployment.check(ground, carried.done).await?)
    }
}
