//! One deployment from its first check to its answer: what it needs is looked at before anything is sent, no address of the
//! profile is replaced unasked, and what an earlier run began is gone on with.

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

/// What is to be deployed.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What it is constructed with.
    pub(super) constructor: Constructor,
    /// The command, without flags: `deploy coin`.
    pub(super) command: String,
    /// The address that the profile has of it.
    pub(super) known: Option<Address>,
    /// Another one may take that address's place in the profile.
    pub(super) replace: bool,
    /// What that breaks.
    pub(super) breaks: &'static str,
    /// The profile's roles that are granted afterwards, where the sender is the admin.
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
    /// An earlier run of the same command has begun it.
    begun: bool,
}

/// Refuses a command that writes into the profile where there is none.
pub(super) fn has_profile(context: &Context) -> Result<()> {
    if context.settings.has_profile() {
        return Ok(());
    }
    let words = "there is no profile for the address to go into";
    Err(Failure::new(Exit::Usage, "NO_PROFILE", words).hint("make one with: orderbook init"))
}

impl Ready {
    /// Looks at chain, factory, profile, roles, and ether; nothing is sent. `first` are contracts that must stand before.
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

    /// An earlier run of the same command has begun it.
    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    /// An address goes only where it is to: this run was told to replace it, or an earlier run of the same command wrote it.
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
        let words = format!("the profile has its {what} already: {address}; nothing was sent");
        Err(Failure::refused("ADDRESS_EXISTS", words).hint(format!(
            "another in its place: the same command with --replace. {breaks}"
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
                    "the wallet {wallet} would be {one} and {other}, which the {contract} contract keeps apart; nothing was \
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
            "{} has {} ether, and deploying takes {} at most; nothing was sent",
            context.party(&self.sender.to_string())?,
            ether(has),
            ether(cost.ether)
        );
        let missing = ether(cost.ether.saturating_sub(has));
        Err(Failure::refused("NOT_ENOUGH_ETHER", words).hint(format!(
            "send it {missing} ether, or name another wallet with --wallet"
        )))
    }

    /// Deploys, or finds what an earlier run deployed. Until the answer was given the journal says that it was begun.
    pub(super) async fn send(&self, context: &Context) -> Result<Deployed> {
        let package = self.wanted.constructor.package();
        let what = format!("deploying {package}");
        let words = match self.wanted.known.filter(|_| self.wanted.replace) {
            Some(address) => format!("{what} in the place of {address}"),
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
            // Nothing of it is on its way: it was refused, and has not begun.
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
