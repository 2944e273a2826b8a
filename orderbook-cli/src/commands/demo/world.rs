//! What the demo works with: its folder, its chain, its people.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use book::board::Board;
use book::log::By;
use book::log::act::Told;
use desk::cap_table::{self, Holder};
use desk::chain::act::Provable;
use desk::chain::{Chain, Contract, Done, Ground, Target};
use desk::order_form::{OrderForm, Venue};
use desk::order_table;
use desk::signing::signer::Signer;
use desk::wallet::keystore::{Cost, Wallets};
use serde_json::{Value, json};

use super::super::failure::{Failure, Result};
use super::super::staff;
use super::node::Node;
use super::stage::Stage;
use crate::config::profile::FILE_NAME;
use crate::config::{Code, Profile, Security};

/// The file that marks a folder as a demo's, so that `--force` removes nothing else.
pub(super) const MARK: &str = ".orderbook-demo";
/// Opens every wallet of the demo.
const PASSWORD: &str = "demo";
/// Who proposes.
pub(super) const TRADER: &str = "dana.whitfield";
/// Who approves.
pub(super) const PRINCIPAL: &str = "ruth.castellano";
/// Who names staff.
pub(super) const ADMIN: &str = "alma.reyes";
/// The persons of the desk, and the wallets with which they sign.
const PERSONS: [(&str, &str); 3] = [(ADMIN, "alma"), (TRADER, "dana"), (PRINCIPAL, "ruth")];

/// The example files, as text.
pub(super) struct Files {
    profile: String,
    equity_cap_table: String,
    notes_cap_table: String,
    orders: String,
}

impl Files {
    /// From a folder, or the ones built in.
    pub(super) fn read(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self {
                profile: include_str!("../../../../examples/profile.toml").into(),
                equity_cap_table: include_str!("../../../../examples/cap-table.csv").into(),
                notes_cap_table: include_str!("../../../../examples/cap-table-notes.csv").into(),
                orders: include_str!("../../../../examples/orders.csv").into(),
            });
        };
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path)
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
        };
        Ok(Self {
            profile: read("profile.toml")?,
            equity_cap_table: read("cap-table.csv")?,
            notes_cap_table: read("cap-table-notes.csv")?,
            orders: read("orders.csv")?,
        })
    }

    /// Into the demo's folder, with its mark and the wallets' password.
    fn write(&self, folder: &Path) -> Result<()> {
        let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", folder.display()));
        fs::write(folder.join(MARK), "").map_err(failed)?;
        fs::write(folder.join("password"), format!("{PASSWORD}\n")).map_err(failed)?;
        for (name, text) in [
            ("cap-table.csv", &self.equity_cap_table),
            ("cap-table-notes.csv", &self.notes_cap_table),
            ("orders.csv", &self.orders),
        ] {
            fs::write(folder.join(name), text).map_err(failed)?;
        }
        Ok(())
    }

    /// The profile, for a chain.
    fn profile(&self, chain: &Chain, code: &Code) -> Result<Profile> {
        let mut profile: Profile = toml::from_str(&self.profile)
            .map_err(|e| Failure::usage(format!("profile.toml: {e}")))?;
        profile.rpc_url = Some(chain.url().to_string());
        profile.chain_id = Some(chain.id());
        if let Code::Folder(folder) = code {
            profile.code = Some(folder.to_string_lossy().into_owned());
        }
        Ok(profile)
    }

    /// Every wallet that a file names, in the order of the files.
    fn wallets(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for text in [&self.equity_cap_table, &self.notes_cap_table, &self.orders] {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let bad = |e: csv::Error| Failure::usage(e.to_string());
            let column = reader
                .headers()
                .map_err(bad)?
                .iter()
                .position(|name| name == "wallet");
            let column = column.ok_or_else(|| Failure::usage("a file has no column 'wallet'"))?;
            for record in reader.records() {
                let name = record
                    .map_err(bad)?
                    .get(column)
                    .unwrap_or_default()
                    .trim()
                    .to_string();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }
}

/// A security of the demo before it has an address.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) name: &'static str,
    pub(super) symbol: &'static str,
    pub(super) isin: &'static str,
    pub(super) decimals: u8,
    pub(super) supply_cap: u64,
    /// Zero until it is deployed.
    pub(super) token: Address,
}

impl Listing {
    const EQUITY: Self = Self {
        name: "Harbor Street Logistics REIT, Class A",
        symbol: "HRBR",
        isin: "US41150HRB07",
        decimals: 6,
        supply_cap: 5_000_000,
        token: Address::ZERO,
    };
    const NOTES: Self = Self {
        name: "Solara Grid 6.5% Notes 2031",
        symbol: "SLRA",
        isin: "US83413SLR31",
        decimals: 2,
        supply_cap: 100_000,
        token: Address::ZERO,
    };
}

/// Everything in the demo.
pub(super) struct World {
    node: Node,
    pub(super) chain: Chain,
    pub(super) code: Code,
    profile_path: PathBuf,
    profile: Profile,
    keys: HashMap<String, Signer>,
    names: HashMap<Address, String>,
    files: Files,
    pub(super) equity: Listing,
    pub(super) notes: Listing,
    pub(super) coin: Address,
    pub(super) settlement: Address,
    pub(super) distribution: Address,
    board: Option<Board>,
}

impl World {
    /// Act one: the folder, the chain and the wallets.
    pub(super) async fn create(
        stage: &mut Stage,
        folder: &Path,
        code: Code,
        devnet: Option<&Path>,
        files: Files,
    ) -> Result<Self> {
        stage.act("A chain and its people");
        files.write(folder)?;
        let node = Node::spawn(devnet, &folder.join("chain.state")).await?;
        let chain = Chain::connect(
            &node.about.url,
            Some(node.about.chain_id),
            Duration::from_secs(30),
        )
        .await?;
        stage.done(&format!(
            "an Arbitrum Stylus chain runs at {} (chain id {}), its state is in a file",
            chain.url(),
            chain.id()
        ));
        let profile_path = folder.join(FILE_NAME);
        let profile = files.profile(&chain, &code)?;
        profile.write(&profile_path)?;

        let investors = files.wallets()?;
        let keys = keys(&node, &investors)?;
        let wallets = Wallets::new(folder.join(profile.wallets.as_deref().unwrap_or("wallets")));
        for (name, key) in &keys {
            wallets.create(name, key, PASSWORD, Cost::Throwaway)?;
        }
        let keys: HashMap<_, _> = keys
            .into_iter()
            .map(|(name, key)| (name, Signer::from(key)))
            .collect();
        let names = keys
            .iter()
            .map(|(name, key)| (key.address(), name.clone()))
            .collect();
        stage.done(&format!(
            "{} encrypted wallets: {} investors, {} persons of the desk, and desk, issuer, counsel, treasury, cfo, auditor",
            keys.len(),
            investors.len(),
            PERSONS.len()
        ));
        let world = Self {
            node,
            chain,
            code,
            profile_path,
            profile,
            keys,
            names,
            files,
            equity: Listing::EQUITY,
            notes: Listing::NOTES,
            coin: Address::ZERO,
            settlement: Address::ZERO,
            distribution: Address::ZERO,
            board: None,
        };
        world.fund(&investors).await?;
        stage.done("every investor has a little ether, to cancel or approve on their own; so has the principal, to commit");
        Ok(world)
    }

    /// A tenth of an ether for each investor and for the principal.
    async fn fund(&self, investors: &[String]) -> Result<()> {
        let tenth = U256::from(10).pow(U256::from(17));
        let (ground, treasury) = (self.ground(), self.key("treasury")?);
        let committing = PERSONS.iter().filter(|(person, _)| *person == PRINCIPAL);
        let committing = committing.map(|(_, wallet)| *wallet);
        for name in investors.iter().map(String::as_str).chain(committing) {
            ground.pay(treasury, self.address(name)?, tenth).await?;
        }
        Ok(())
    }

    /// The chain for acts: it is new, so no book knows anything about it.
    pub(super) fn ground(&self) -> Ground {
        Ground::new(self.chain.clone(), None)
    }

    /// A contract for acts.
    pub(super) async fn contract(&self, target: Target) -> Result<Contract> {
        Ok(self.ground().contract(target).await?)
    }

    /// The coin.
    pub(super) async fn coin_contract(&self) -> Result<Contract> {
        self.contract(Target::Coin(self.coin)).await
    }

    /// A security.
    pub(super) async fn token_contract(&self, listing: &Listing) -> Result<Contract> {
        let target = Target::Security {
            token: listing.token,
            symbol: listing.symbol.into(),
            isin: listing.isin.into(),
            decimals: listing.decimals,
        };
        self.contract(target).await
    }

    /// The settlement contract.
    pub(super) fn settlement_target(&self) -> Target {
        Target::Settlement {
            contract: self.settlement,
            payment: Some(self.coin),
            crd: self.profile.broker_dealer.as_ref().map(|who| who.crd),
        }
    }

    /// The key of a wallet.
    pub(super) fn key(&self, name: &str) -> Result<&Signer> {
        self.keys
            .get(name)
            .ok_or_else(|| Failure::usage(format!("the demo has no wallet '{name}'")))
    }

    /// The address of a wallet.
    pub(super) fn address(&self, name: &str) -> Result<Address> {
        Ok(self.key(name)?.address())
    }

    /// The wallet's name behind an address.
    pub(super) fn name(&self, address: Address) -> String {
        self.names
            .get(&address)
            .cloned()
            .unwrap_or_else(|| address.to_string())
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Changes the profile, in memory and on disk.
    pub(super) fn rewrite(&mut self, change: impl FnOnce(&mut Profile)) -> Result<()> {
        change(&mut self.profile);
        Ok(self.profile.write(&self.profile_path)?)
    }

    /// Where the chain will be when it is started again without a port.
    pub(super) fn point_profile_at(&mut self, port: u16) -> Result<()> {
        self.rewrite(|profile| profile.rpc_url = Some(format!("http://127.0.0.1:{port}")))
    }

    /// Where everything is.
    pub(super) fn folder(&self) -> &Path {
        self.profile_path.parent().unwrap_or(Path::new(""))
    }

    pub(super) fn profile_path(&self) -> PathBuf {
        self.profile_path.clone()
    }

    pub(super) fn open_board(&mut self, board: Board) {
        self.board = Some(board);
    }

    pub(super) fn board(&self) -> Result<&Board> {
        self.board
            .as_ref()
            .ok_or_else(|| Failure::other("the book is not open yet"))
    }

    /// Actor and reason of an act that needs no signature.
    pub(super) fn by(actor: &str, reason: &str) -> By {
        By::new(actor).because(reason)
    }

    /// The key of a person of the desk.
    pub(super) fn person(&self, name: &str) -> Result<&Signer> {
        let known = PERSONS.iter().find(|(person, _)| *person == name);
        let (_, wallet) =
            known.ok_or_else(|| Failure::other(format!("nobody is called {name}")))?;
        self.key(wallet)
    }

    /// Makes the wallet of one more person; its address.
    pub(super) fn hire(&mut self, wallet: &str) -> Result<Address> {
        let key = derived(wallet)?;
        let folder = self.profile.wallets.as_deref().unwrap_or("wallets");
        let wallets = Wallets::new(self.folder().join(folder));
        wallets.create(wallet, &key, PASSWORD, Cost::Throwaway)?;
        let address = key.address();
        self.names.insert(address, wallet.to_owned());
        self.keys.insert(wallet.to_owned(), key.into());
        Ok(address)
    }

    /// A person's act, signed.
    pub(super) fn signed(&self, person: &str, told: &Told<'_>) -> Result<By> {
        let signed = staff::sign(self.board()?, self.person(person)?, told)?;
        Ok(By::new(person).because(told.reason).signing(signed))
    }

    pub(super) fn venue(&self) -> Venue {
        Venue {
            chain_id: self.chain.id(),
            settlement: self.settlement,
            payment: self.coin,
        }
    }

    pub(super) fn listings(&self) -> [&Listing; 2] {
        [&self.equity, &self.notes]
    }

    /// The cap table of a security.
    pub(super) fn holders(&self, listing: &Listing) -> Result<Vec<Holder>> {
        let text = if listing.symbol == self.equity.symbol {
            &self.files.equity_cap_table
        } else {
            &self.files.notes_cap_table
        };
        let wallets = self
            .keys
            .iter()
            .map(|(name, key)| (name.clone(), key.address()))
            .collect();
        Ok(cap_table::read(text.as_bytes(), listing.decimals, &wallets)?.rows)
    }

    /// The orders' forms with their lines.
    pub(super) fn forms(&self) -> Result<Vec<(u64, OrderForm)>> {
        Ok(order_table::read(self.files.orders.as_bytes())?.rows)
    }

    pub(super) fn security(&self, symbol: &str) -> Result<Security> {
        let found = self.profile.security(symbol).cloned();
        found.ok_or_else(|| crate::config::ConfigError::Security(symbol.into()).into())
    }

    pub(super) fn addresses_json(&self) -> Value {
        json!({
            self.equity.symbol: self.equity.token,
            self.notes.symbol: self.notes.token,
            "coin": self.coin,
            "settlement": self.settlement,
            "distribution": self.distribution,
        })
    }

    pub(super) async fn stop(&mut self) {
        self.node.stop().await;
    }
}

/// Carries out an act of the demo. A demo that is killed starts from scratch: it keeps no journal.
pub(super) async fn carry_out<C: Provable>(
    signer: &Signer,
    contract: &Contract,
    call: C,
) -> Result<Done> {
    let prepared = contract.act(call).prepare(signer).await?;
    let noted = prepared.noted(async { Ok::<(), Failure>(()) }).await?;
    Ok(noted.send().await?)
}

/// The professionals' keys are devnet's funded ones; those of investors and of the desk's persons are derived from public
/// words.
fn keys(node: &Node, investors: &[String]) -> Result<HashMap<String, PrivateKeySigner>> {
    let mut keys = HashMap::new();
    let professionals = ["desk", "counsel", "issuer", "treasury", "auditor", "cfo"];
    for (name, key) in professionals.iter().zip(&node.about.keys) {
        keys.insert((*name).to_string(), desk::wallet::keystore::parse_key(key)?);
    }
    let persons = PERSONS.iter().map(|(_, wallet)| *wallet);
    for name in investors.iter().map(String::as_str).chain(persons) {
        keys.insert(name.to_owned(), derived(name)?);
    }
    Ok(keys)
}

/// A key from public words.
fn derived(name: &str) -> Result<PrivateKeySigner> {
    let secret = keccak256(format!("orderbook demo wallet {name}"));
    PrivateKeySigner::from_bytes(&secret)
        .map_err(|e| Failure::other(format!("no key for {name}: {e}")))
}
