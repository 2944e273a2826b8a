//! What commands share: settings, and the chain, book and wallets, opened on demand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use book::board::{Board, BoardError};
use book::log::By;
use book::store::error::StoreError;
use book::store::{Clock, Store};
use desk::chain::abi::{IDvPSettlement, role};
use desk::chain::act::Kind;
use desk::chain::{Chain, Ground, Target};
use desk::index::{self, Index};
use desk::journal::Journal;
use desk::order_form::Venue;
use desk::settlement::Desk;
#[cfg(target_os = "linux")]
use desk::signing::agent::{About, Client, Place};
use desk::signing::remote::Keeper;
use desk::signing::signer::Signer;
use desk::wallet::keystore::Wallets;
use indicatif::{ProgressBar, ProgressStyle};

use super::act::Hand;
use super::books::Books;
use super::failure::{Exit, Failure, Result};
use super::password;
use super::propose::Drafting;
use crate::config::{Key, Overrides, Security, Settings, Source};
use crate::render::{Answer, Sentence, Tone};

/// The id of the embedded chain, and of other single-developer chains.
pub(super) const EMBEDDED: u64 = 412_346;

/// An account that a command names.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// The account.
    pub(super) address: Address,
    name: Option<String>,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// One invocation.
#[derive(Debug)]
pub(super) struct Context {
    /// All settings with their sources.
    pub(super) settings: Settings,
    /// The answer goes to a program.
    pub(super) json: bool,
    books: Books,
    /// What is struck out of the journal once the answer has been given.
    said: RefCell<Vec<B256>>,
    /// Notes for programs, beside the answer.
    told: RefCell<Vec<String>>,
    /// Where acts of roles are proposed instead of being sent.
    pub(super) proposal: Drafting,
}

impl Context {
    pub(super) fn new(overrides: &Overrides, json: bool, books: &Books) -> Result<Self> {
        Ok(Self {
            settings: Settings::load(overrides)?,
            json,
            books: books.clone(),
            said: RefCell::default(),
            told: RefCell::default(),
            proposal: Drafting::default(),
        })
    }

    /// For the demonstration: a profile at a path, nothing from flags.
    pub(super) fn of_profile(path: PathBuf, books: &Books) -> Result<Self> {
        Self::new(
            &Overrides {
                profile: Some(path),
                ..Overrides::default()
            },
            false,
            books,
        )
    }

    /// The chain of the profile.
    pub(super) async fn chain(&self) -> Result<Chain> {
        let url = self.settings.rpc_url()?;
        Ok(Chain::connect(&url, self.settings.chain_id()?, self.settings.timeout()?).await?)
    }

    /// The book of the profile.
    pub(super) async fn board(&self) -> Result<Board> {
        let within = self.settings.timeout()?;
        Ok(self.opened(&self.settings.store()?, within).await?)
    }

    /// The store of the profile, created if there is none.
    pub(super) async fn new_store(&self) -> Result<Store> {
        let store = Store::create(&self.settings.store()?, Clock::system())
            .await
            .map_err(BoardError::from)?;
        self.books.keep(&store);
        Ok(store)
    }

    /// The book of the profile, if there is one.
    pub(super) async fn board_if_any(&self) -> Result<Option<Board>> {
        let within = self.settings.timeout()?;
        match self.opened(&self.settings.store()?, within).await {
            Ok(board) => Ok(Some(board)),
            Err(BoardError::Store(StoreError::Missing(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Self::board_if_any`], for a command that was killed while it opened the book: a store without one is `None`.
    pub(super) async fn board_if_opened(&self) -> Result<Option<Board>> {
        let within = self.settings.timeout()?;
        match self.opened(&self.settings.store()?, within).await {
            Ok(board) => Ok(Some(board)),
            Err(BoardError::Store(StoreError::Missing(_) | StoreError::Bookless(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The index of the profile, created if there is none.
    pub(super) async fn index(&self) -> Result<Index> {
        let place = index::Place::of(self.settings.path(), &self.settings.store()?);
        let index = Index::open(&place).await?;
        self.books.keep_index(&index);
        Ok(index)
    }

    async fn opened(&self, url: &str, within: Duration) -> std::result::Result<Board, BoardError> {
        let store = Store::open_within(url, Clock::system(), within).await?;
        self.books.keep(&store);
        Board::open_store(store).await
    }

    /// Where acts are sent: the chain of the profile, and its book, if there is one.
    pub(super) async fn ground(&self) -> Result<Ground> {
        Ok(Ground::new(self.chain().await?, self.board_if_any().await?))
    }

    /// The answer will say what became of this transaction, so that the journal can forget it.
    pub(super) fn say(&self, key: B256) {
        self.said.borrow_mut().push(key);
    }

    /// Reports an assumption: to people at once, before they are asked anything, and to programs beside the answer.
    pub(super) fn tell<W: ToString>(&self, words: impl IntoIterator<Item = W>) {
        for words in words.into_iter().map(|words| words.to_string()) {
            if self.json {
                self.told.borrow_mut().push(words);
            } else {
                super::say(Tone::Title, "note", &words);
            }
        }
    }

    /// The answer, with the transactions it reports and the notes collected on the way.
    pub(super) fn answer(&self, answer: Answer) -> Answer {
        let told = self.told.take().into_iter();
        let answer = told.fold(answer, Answer::warn);
        answer.said(self.journal(), self.said.take())
    }

    /// Where transactions are written down before they are sent.
    pub(super) fn journal(&self) -> Journal {
        Journal::beside(self.settings.path())
    }

    /// The coin, for acts.
    pub(super) fn coin_target(&self) -> Result<Target> {
        Ok(Target::Coin(self.coin()?))
    }

    /// The settlement contract, for acts.
    pub(super) fn settlement_target(&self) -> Result<Target> {
        let profile = self.settings.profile();
        Ok(Target::Settlement {
            contract: self.settlement()?,
            payment: self.coin().ok(),
            crd: profile.broker_dealer.as_ref().map(|who| who.crd),
        })
    }

    /// The distribution contract, for acts.
    pub(super) fn distribution_target(&self) -> Result<Target> {
        let profile = self.settings.profile();
        let contract = profile.addresses.distribution.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "NOT_SET",
                "the profile names no distribution contract",
            )
            .hint("deploy one with: orderbook deploy distribution")
        })?;
        let coin = self.coin().ok();
        Ok(Target::Distribution { contract, coin })
    }

    /// The registry of documents, for acts.
    pub(super) fn documents_target(&self) -> Result<Target> {
        let profile = self.settings.profile();
        let registry = profile.addresses.documents.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "NOT_SET",
                "the profile names no registry of documents",
            )
            .hint("deploy one with: orderbook deploy documents")
        })?;
        Ok(Target::Documents(registry))
    }

    /// The profile's entry for the contract at an address, which must be of one of these kinds.
    pub(super) fn target(&self, kinds: &[Kind], address: Address) -> Result<Target> {
        let securities = &self.settings.profile().securities;
        let security = securities.iter().find(|s| s.token == address);
        let known = [
            security.map(Target::from),
            self.coin_target().ok(),
            self.settlement_target().ok(),
        ];
        let mut known = known.into_iter().flatten();
        known
            .find(|target| target.address() == address && kinds.contains(&target.kind()))
            .ok_or_else(|| Failure::usage(format!("the profile has no contract at {address}")))
    }

    /// Who acts, and why.
    pub(super) fn by(&self, reason: impl Into<String>) -> Result<By> {
        Ok(By::new(self.settings.actor()?).because(reason))
    }

    /// The desk that settles and anchors with the operator's key.
    pub(super) async fn desk<'a>(
        &self,
        board: &'a Board,
        chain: &Chain,
        operator: &'a Signer,
    ) -> Result<Desk<'a>> {
        let (target, by) = (self.settlement_target()?, self.by("")?);
        let desk = Desk::open(board, chain, target, operator, by).await?;
        Ok(Desk {
            gas_cap: self.settings.gas_cap()?,
            ..desk
        })
    }

    /// Refuses a profile whose folder contains a key with the role `other`, which must be kept apart from the one that
    /// acts: operator and principal are two persons. On the embedded chain one person plays both.
    pub(super) async fn keys_apart(&self, chain: &Chain, other: &str) -> Result<()> {
        if chain.id() == EMBEDDED {
            return Ok(());
        }
        let settlement = self.settlement()?;
        for (name, account) in self.addresses()? {
            let call = IDvPSettlement::hasRoleCall {
                role: role(other),
                account,
            };
            if chain.view(settlement, call).await? {
                let words = format!(
                    "this profile opens the wallet {name}, which has {other}: an operator's and a principal's key are in \
                     one folder"
                );
                return Err(Failure::new(Exit::Auth, "KEYS_TOGETHER", words)
                    .hint("nothing was sent; keep each in its own profile, under its own user"));
            }
        }
        Ok(())
    }

    pub(super) fn wallets(&self) -> Result<Wallets> {
        Ok(Wallets::new(self.settings.wallets()?))
    }

    /// The name of the wallet that acts in a role: `--wallet` (or its variable) first, then the profile's role, then its
    /// default.
    pub(super) fn wallet_of(&self, role: &str) -> Result<String> {
        let given = self.settings.setting(Key::Wallet);
        let explicit = match given.source {
            Source::Flag(_) | Source::Environment(_) => given.value,
            _ => None,
        };
        let named = explicit.or_else(|| {
            self.settings
                .profile()
                .roles
                .wallet(role)
                .map(str::to_string)
        });
        named.ok_or_else(|| {
            Failure::usage(format!("no wallet is set for the role '{role}'"))
                .hint("name one with --wallet, or in the profile under [roles]")
        })
    }

    /// The name of the profile's wallet for a role: the one that will have the role, whoever signs this command.
    pub(super) fn holder_of(&self, role: &str) -> Result<String> {
        match self.settings.profile().roles.wallet(role) {
            Some(wallet) => Ok(wallet.to_owned()),
            None => self.wallet_of(role),
        }
    }

    /// Opens the wallet of a role for signing something offline.
    pub(super) fn signer(&self, role: &str) -> Result<Signer> {
        let name = self.wallet_of(role)?;
        self.open(&name)
    }

    /// The signer of the profile that keeps the key of that name, if there is one.
    pub(super) fn keeper(&self, name: &str) -> Result<Option<&Keeper>> {
        let found = self.settings.profile().signers.get(name);
        if found.is_some() && self.wallets()?.address(name).is_ok() {
            let words = format!("'{name}' is both a wallet here and a signer of the profile");
            return Err(Failure::usage(words).hint("rename one of the two"));
        }
        Ok(found)
    }

    /// A wallet by name: a signer of the profile, or its agent where one runs, else opened with its password.
    pub(super) fn open(&self, name: &str) -> Result<Signer> {
        if let Some(keeper) = self.keeper(name)? {
            return Ok(Signer::Kept(keeper.clone()));
        }
        let stated = self.wallets()?.address(name)?;
        #[cfg(target_os = "linux")]
        if let Some(agent) = Client::find(&self.agent_place())? {
            let About {
                wallet, address, ..
            } = agent.about();
            if wallet == name && stated.is_none_or(|stated| stated == *address) {
                return Ok(Signer::Agent(agent));
            }
        }
        Ok(self.unlock(name)?.into())
    }

    /// Opens a wallet with its password.
    pub(super) fn unlock(&self, name: &str) -> Result<PrivateKeySigner> {
        let wallets = self.wallets()?;
        wallets.address(name)?;
        let file = self.settings.password_file();
        let password = password::ask(name, file.as_deref())?;
        Ok(wallets.open(name, &password)?)
    }

    /// Where the profile's agent listens.
    #[cfg(target_os = "linux")]
    pub(super) fn agent_place(&self) -> Place {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        Place::of(self.settings.path(), runtime.as_deref())
    }

    /// Opens the wallet of a role for sending `what`; a live profile asks first.
    pub(super) fn sender(&self, role: &str, what: impl Into<Sentence>) -> Result<Signer> {
        self.confirm(&what.into())?;
        self.signer(role)
    }

    /// Who carries out an act of a role: the Safe to which it is proposed, else the role's wallet; a live profile asks first.
    pub(super) fn hand(&self, role: &str, what: impl Into<Sentence>) -> Result<Hand> {
        match self.proposal.safe(self)? {
            Some(safe) => {
                self.confirm(&what.into())?;
                Ok(Hand::Safe(safe))
            }
            None => Ok(Hand::Key(self.sender(role, what)?)),
        }
    }

    /// The account that acts: that Safe, else the role's wallet.
    pub(super) fn acting_account(&self, role: &str) -> Result<Address> {
        match self.proposal.safe(self)? {
            Some(safe) => Ok(safe),
            None => self.account(&self.wallet_of(role)?),
        }
    }

    /// A profile marked live sends nothing before its name has been typed.
    pub(super) fn confirm(&self, what: &Sentence) -> Result<()> {
        let what = what.people();
        let profile = self.settings.profile();
        if !profile.live || self.settings.confirmation() == Some(profile.name.as_str()) {
            return Ok(());
        }
        let refused = Failure::refused(
            "NOT_CONFIRMED",
            format!(
                "profile '{}' is live: {what} was not confirmed; nothing was sent",
                profile.name
            ),
        )
        .hint(format!(
            "type the profile's name when asked, or give --confirm {}",
            profile.name
        ));
        if self.settings.confirmation().is_some() || !std::io::stdin().is_terminal() {
            return Err(refused);
        }
        let mut screen = std::io::stderr();
        let _ = write!(
            screen,
            "LIVE: {what}. Type the profile's name to continue: "
        );
        let _ = screen.flush();
        let mut typed = String::new();
        let _ = std::io::stdin().read_line(&mut typed);
        if typed.trim() == profile.name {
            Ok(())
        } else {
            Err(refused)
        }
    }

    /// The addresses of the profile's wallets and signers by name.
    pub(super) fn addresses(&self) -> Result<BTreeMap<String, Address>> {
        let entries = self.wallets()?.list()?;
        let wallets = entries
            .into_iter()
            .filter_map(|e| Some((e.name, e.address?)));
        let signers = self.settings.profile().signers.iter();
        let kept = signers.map(|(name, keeper)| (name.clone(), keeper.address()));
        Ok(wallets.chain(kept).collect())
    }

    /// An address, or the name of a wallet of the profile.
    pub(super) fn account(&self, text: &str) -> Result<Address> {
        if text.starts_with("0x") {
            return book::market::address::parse_nonzero(text).map_err(Failure::usage);
        }
        if let Some(keeper) = self.keeper(text)? {
            return Ok(keeper.address());
        }
        self.wallets()?
            .address(text)?
            .ok_or_else(|| Failure::usage(format!("the wallet file '{text}' has no address")))
    }

    /// An account and what to call it: its address, and its name if it is a wallet of the profile.
    pub(super) fn party(&self, text: &str) -> Result<Party> {
        let address = self.account(text)?;
        let name = if text.starts_with("0x") {
            let known = self.addresses()?;
            let mut known = known.into_iter().filter(|(_, known)| *known == address);
            known.next().map(|(name, _)| name)
        } else {
            Some(text.to_owned())
        };
        Ok(Party { address, name })
    }

    pub(super) fn coin(&self) -> Result<Address> {
        Ok(self.settings.coin()?)
    }

    pub(super) fn settlement(&self) -> Result<Address> {
        Ok(self.settings.settlement()?)
    }

    pub(super) fn security(&self, name: &str) -> Result<Security> {
        Ok(self.settings.security(name)?)
    }

    /// What orders are signed for; needs no chain when the profile knows its id.
    pub(super) async fn venue(&self) -> Result<Venue> {
        let chain_id = match self.settings.chain_id()? {
            Some(id) => id,
            None => self.chain().await?.id(),
        };
        Ok(Venue {
            chain_id,
            settlement: self.settlement()?,
            payment: self.coin()?,
        })
    }

    /// The block `sync` starts at.
    pub(super) fn first_block(&self) -> u64 {
        self.settings
            .profile()
            .addresses
            .settlement_block
            .unwrap_or(0)
    }

    /// A progress bar on a terminal, nothing elsewhere.
    pub(super) fn progress(&self, what: &'static str) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(0).with_style(style).with_message(what)
    }

    /// Changes the profile's file.
    pub(super) fn rewrite(&self, change: impl FnOnce(&mut crate::config::Profile)) -> Result<()> {
        if !self.settings.has_profile() {
            return Err(
                Failure::new(Exit::Usage, "NO_PROFILE", "there is no profile to write to")
                    .hint("make one with: orderbook init"),
            );
        }
        // Read again: another command may have written since this one began.
        let mut profile = crate::config::Profile::read(self.settings.path())?;
        change(&mut profile);
        Ok(profile.write(self.settings.path())?)
    }
}
