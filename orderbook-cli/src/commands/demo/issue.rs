//! Acts two to four: contracts, investors and securities, cash.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256, keccak256};
use book::board::Board;
use book::log::staff::{Role, StaffChange};
use book::market::amount::{COIN_DECIMALS, dollars, units};
use book::market::security::Security as BoardSecurity;
use desk::cap_table;
use desk::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC, role};
use desk::chain::act::Fragment;
use desk::chain::deploy::{self, Constructor, Deployed, Deployment};
use desk::chain::{Chain, Contract, Revert};
use desk::directory;

use super::super::books::Books;
use super::super::context::Context;
use super::super::failure::{Failure, Result};
use super::super::opening::create_book;
use super::super::role::{COIN_ROLES, DISTRIBUTION_ROLES, TOKEN_ROLES};
use super::super::staff;
use super::stage::Stage;
use super::world::{ADMIN, Listing, PRINCIPAL, TRADER, World, carry_out};
use crate::config::Security;
use crate::render::{Cell, Table, Tone};

/// Dollars in the coin issuer's bank.
const RESERVES: u64 = 25_000_000;

/// Act two: deploy everything and admit the securities to trading.
pub(super) async fn contracts(stage: &mut Stage, world: &mut World, books: &Books) -> Result<()> {
    stage.act("Contracts, compiled from Rust to WASM");
    stage.say(
        "Each deployment creates the program, activates it and runs its constructor in one transaction; code that is too \
         large for one account is put there in fragments first.",
    );
    stage.gap();
    let mut table = Table::new(&["contract", "what it is", "address", ">bytes", ">gas"]);
    let mut row = |name: &str, what: &str, deployed: &Deployed| {
        table.row([
            Cell::new(name, Tone::Strong),
            what.into(),
            deployed.address.into(),
            grouped(deployed.code_size as u64).into(),
            grouped(deployed.receipt.gas_used).into(),
        ]);
    };
    let coin = deploy_coin(world).await?;
    row("TsUSDC", "cash, backed 1:1 by dollars", &coin);
    let (settlement, of) = deploy_settlement(world).await?;
    row("settlement", &format!("of {of}"), &settlement);
    for listing in [world.equity.clone(), world.notes.clone()] {
        let token = deploy_token(world, &listing).await?;
        row(listing.symbol, listing.name, &token);
    }
    let (distribution, documents) = deploy_beside(world).await?;
    row("distribution", "pays holders as of a day", &distribution);
    row("documents", "the securities' papers", &documents);
    stage.table(&table);
    stage.gap();
    let block = settlement.receipt.block_number;
    let securities = world.listings().map(|listing| Security {
        symbol: listing.symbol.into(),
        isin: listing.isin.into(),
        token: listing.token,
        decimals: listing.decimals,
        block: None,
    });
    world.rewrite(|profile| {
        profile.addresses.coin = Some(coin.address);
        profile.addresses.settlement = Some(settlement.address);
        profile.addresses.settlement_block = block;
        profile.addresses.distribution = Some(distribution.address);
        profile.addresses.documents = Some(documents.address);
        profile.securities = securities.into();
    })?;
    open_book(world, books).await?;
    stage.done("roles granted: issuer, enforcer, treasury, master minter, attestor, operator and principal are different keys");
    stage.done("both securities admitted to trading; the broker-dealer's book is open");
    stage.done("the contract's admin named Alma Reyes, who named the trader and the principal: from now on, people sign what they do");
    Ok(())
}

async fn deploy_coin(world: &mut World) -> Result<Deployed> {
    let constructor = Constructor::Coin {
        name: "TsUSDC".into(),
        symbol: "TsUSDC".into(),
        currency: "USD".into(),
        admin: world.address("counsel")?,
    };
    let coin = construct(world, constructor).await?;
    world.coin = coin.address;
    grant(world, &world.coin_contract().await?, COIN_ROLES).await?;
    Ok(coin)
}

/// The contracts beside the tokens that trust none of them: distributions, and the registry of documents.
async fn deploy_beside(world: &mut World) -> Result<(Deployed, Deployed)> {
    let constructor = Constructor::Distribution {
        coin: world.coin,
        admin: world.address("counsel")?,
    };
    let target = constructor.clone();
    let distribution = construct(world, constructor).await?;
    world.distribution = distribution.address;
    let contract = world.contract(target.target(distribution.address)).await?;
    grant(world, &contract, DISTRIBUTION_ROLES).await?;
    let documents = construct(world, Constructor::Documents).await?;
    Ok((distribution, documents))
}

/// The settlement contract, and whose it is.
async fn deploy_settlement(world: &mut World) -> Result<(Deployed, String)> {
    let who = world
        .profile()
        .broker_dealer
        .clone()
        .ok_or_else(|| Failure::usage("no broker-dealer"))?;
    let constructor = Constructor::Settlement {
        broker_dealer: who.name.clone(),
        crd: who.crd,
        lei: who.lei,
        payment: world.coin,
        admin: world.address("counsel")?,
        operator: world.address("desk")?,
    };
    let settlement = construct(world, constructor).await?;
    world.settlement = settlement.address;
    let contract = world.contract(world.settlement_target()).await?;
    let call = ISecurityToken::grantRoleCall {
        role: role("PRINCIPAL_ROLE"),
        account: world.person(PRINCIPAL)?.address(),
    };
    carry_out(world.key("counsel")?, &contract, call).await?;
    Ok((settlement, who.name))
}

async fn deploy_token(world: &mut World, listing: &Listing) -> Result<Deployed> {
    let constructor = Constructor::Token {
        name: listing.name.into(),
        symbol: listing.symbol.into(),
        decimals: listing.decimals,
        isin: listing.isin.into(),
        supply_cap: whole(listing.supply_cap, listing.decimals),
        admin: world.address("counsel")?,
    };
    let token = construct(world, constructor).await?;
    let listing = if listing.symbol == world.equity.symbol {
        &mut world.equity
    } else {
        &mut world.notes
    };
    listing.token = token.address;
    let listing = listing.clone();
    grant(world, &world.token_contract(&listing).await?, TOKEN_ROLES).await?;
    Ok(token)
}

async fn construct(world: &World, constructor: Constructor) -> Result<Deployed> {
    let ground = world.ground();
    let code = world.code.of(constructor.package())?.into_owned();
    let mut placed = Vec::new();
    for part in deploy::fragments(&world.chain, &code).await? {
        let fragment = Fragment::prepare(&ground, world.key("counsel")?, part, None).await?;
        placed.push(fragment.send(async { Ok::<(), Failure>(()) }).await?);
    }
    let deployment = Deployment::of(&ground, code, &placed, constructor).await?;
    let prepared = deployment.act.prepare(world.key("counsel")?).await?;
    let noted = prepared.noted(async { Ok::<(), Failure>(()) }).await?;
    Ok(deployment.check(&ground, noted.send().await?).await?)
}

async fn grant(world: &World, contract: &Contract, roles: &[(&str, &str)]) -> Result<()> {
    for (name, holder) in roles {
        let wallet = world.profile().roles.wallet(holder).unwrap_or("counsel");
        let call = ISecurityToken::grantRoleCall {
            role: role(name),
            account: world.address(wallet)?,
        };
        carry_out(world.key("counsel")?, contract, call).await?;
    }
    Ok(())
}

async fn open_book(world: &mut World, books: &Books) -> Result<()> {
    let context = Context::of_profile(world.profile_path(), books)?;
    let board = create_book(&context, &world.chain, world.settlement).await?;
    name_staff(world, &board).await?;
    let settlement = world.contract(world.settlement_target()).await?;
    for listing in world.listings() {
        let call = IDvPSettlement::listSecurityCall {
            security: listing.token,
            listed: true,
        };
        carry_out(world.key("counsel")?, &settlement, call).await?;
        let security = BoardSecurity {
            decimals: listing.decimals,
            isin: listing.isin.parse().map_err(Failure::usage)?,
            name: listing.name.into(),
            symbol: listing.symbol.into(),
            token: listing.token,
        };
        board
            .list_security(security, World::by(PRINCIPAL, "admitted to trading"))
            .await?;
    }
    for listing in world.listings() {
        let investors = directory::of_cap_table(&world.holders(listing)?)?;
        board.add_investors(&investors).await?;
    }
    world.open_board(board);
    Ok(())
}

/// The settlement contract's default admin names the admin person, who names the others.
async fn name_staff(world: &World, board: &Board) -> Result<()> {
    let change = StaffChange::AdminNamed {
        crd: None,
        person: ADMIN.into(),
        wallet: world.person(ADMIN)?.address(),
    };
    let changed = staff::signed_by_one(board, change, world.key("counsel")?)?;
    board.change_staff(changed, "").await?;
    for (person, crd, roles) in [
        (TRADER, 7_311_022, [Role::Trader, Role::Principal].into()),
        (PRINCIPAL, 5_208_417, [Role::Principal].into()),
    ] {
        let change = StaffChange::Added {
            crd: Some(crd),
            person: person.into(),
            roles,
            wallet: world.person(person)?.address(),
        };
        let changed = staff::signed_by_one(board, change, world.person(ADMIN)?)?;
        board.change_staff(changed, "").await?;
    }
    Ok(())
}

/// Act three: registry, group rules, limits, issuance, a lock-up.
pub(super) async fn investors(stage: &mut Stage, world: &World) -> Result<()> {
    stage.act("Investors are registered, securities issued");
    stage.say(
        "A wallet that is not in the registry can hold nothing. Groups: 1 US accredited, 2 outside the US, 3 institutions; \
         transfers between 1 and 2 stay closed (Regulation S).",
    );
    stage.gap();
    for listing in world.listings() {
        issue(world, listing).await?;
    }
    let holders = world.holders(&world.equity)?;
    let mut groups: BTreeMap<u8, (usize, U256)> = BTreeMap::new();
    for holder in &holders {
        let entry = groups.entry(holder.group).or_default();
        entry.0 += 1;
        entry.1 = entry.1.saturating_add(holder.holding);
    }
    let mut table = Table::new(&[
        "largest holders of HRBR",
        ">group",
        ">country",
        ">holding",
        ">free to sell",
    ]);
    let mut largest: Vec<_> = holders.iter().collect();
    largest.sort_by_key(|holder| std::cmp::Reverse(holder.holding));
    for holder in largest.iter().take(6) {
        let call = ISecurityToken::spendableBalanceOfCall {
            holder: holder.wallet,
        };
        let free = world.chain.view(world.equity.token, call).await?;
        table.row([
            holder.name.clone().into(),
            holder.group.into(),
            format!("{:03}", holder.country).into(),
            units(holder.holding, world.equity.decimals).into(),
            Cell::new(
                units(free, world.equity.decimals),
                if free < holder.holding {
                    Tone::Warn
                } else {
                    Tone::Plain
                },
            ),
        ]);
    }
    stage.table(&table);
    stage.gap();
    for listing in world.listings() {
        let supply = world
            .chain
            .view(listing.token, ISecurityToken::totalSupplyCall {})
            .await?;
        let count = world
            .chain
            .view(listing.token, ISecurityToken::holderCountCall {})
            .await?;
        stage.done(&format!(
            "{}: {} issued to {count} holders ({})",
            listing.symbol,
            units(supply, listing.decimals),
            listing.isin
        ));
    }
    stage.done("Brightwater's 100,000 HRBR of the founding round are locked up for 180 days");
    Ok(())
}

async fn issue(world: &World, listing: &Listing) -> Result<()> {
    const OPEN: [(u8, u8); 7] = [(1, 1), (1, 3), (3, 1), (3, 3), (2, 2), (2, 3), (3, 2)];
    let (chain, token) = (&world.chain, world.token_contract(listing).await?);
    let (compliance, issuer) = (world.key("issuer")?, world.key("issuer")?);
    let holders = world.holders(listing)?;
    for call in cap_table::register_calls(&holders) {
        carry_out(compliance, &token, call).await?;
    }
    for (from, to) in OPEN {
        let call = ISecurityToken::setGroupRuleCall {
            fromGroup: from,
            toGroup: to,
            opensAt: 1,
        };
        carry_out(compliance, &token, call).await?;
    }
    let call = ISecurityToken::setLimitsCall {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: 3_000,
        maxHolders: 99,
        // A whole token, so that dust cannot use up the number of holders.
        minHolding: whole(1, listing.decimals),
        granularity: U256::ZERO,
    };
    for call in cap_table::mint_calls(&holders) {
        carry_out(issuer, &token, call).await?;
    }
    carry_out(compliance, &token, call).await?;
    if listing.symbol == world.equity.symbol {
        let now = chain.head().await?.time;
        let call = ISecurityToken::lockTokensCall {
            holder: world.address("brightwater-lp")?,
            amount: whole(100_000, listing.decimals),
            releaseTime: now + 180 * 86_400,
        };
        carry_out(compliance, &token, call).await?;
    }
    Ok(())
}

/// Act four: reserves, minting, and the refusal of a coin too many.
pub(super) async fn cash(stage: &mut Stage, world: &World) -> Result<()> {
    stage.act("Cash comes in");
    stage.say("Not one coin more than the auditor attests: the contract compares supply and reserves at every mint.");
    stage.gap();
    let (chain, coin) = (&world.chain, world.coin_contract().await?);
    let reserves = whole(RESERVES, COIN_DECIMALS);
    let as_of = chain.head().await?.time;
    let call = ITsUSDC::setReserveMaxAgeCall {
        maxAge: 30 * 86_400,
    };
    carry_out(world.key("counsel")?, &coin, call).await?;
    let call = ITsUSDC::attestReservesCall {
        reserves,
        asOf: as_of,
        evidence: keccak256("statement of account, Harbor Street Bank"),
    };
    carry_out(world.key("auditor")?, &coin, call).await?;
    let treasury = world.key("treasury")?;
    let call = ITsUSDC::configureMinterCall {
        minter: treasury.address(),
        minterAllowedAmount: whole(100_000_000, COIN_DECIMALS),
    };
    carry_out(world.key("cfo")?, &coin, call).await?;
    for holder in world.holders(&world.equity)? {
        if holder.cash.is_zero() {
            continue;
        }
        let reference = cap_table::investor_id(&format!("WIRE-{}", holder.account));
        let call = ITsUSDC::mintWithReferenceCall {
            to: holder.wallet,
            amount: holder.cash,
            bankReference: reference.map_err(Failure::usage)?,
        };
        carry_out(treasury, &coin, call).await?;
    }
    let supply = coin.view(ITsUSDC::totalSupplyCall {}).await?;
    stage.done(&format!(
        "reserves of ${} attested, ${} minted, each against a bank reference",
        dollars(reserves),
        dollars(supply)
    ));
    let call = ITsUSDC::mintCall {
        to: treasury.address(),
        amount: reserves,
    };
    let revert = refusal(chain, treasury.address(), world.coin, &call).await?;
    stage.say(&format!(
        "The treasury tries to mint another ${}:",
        dollars(reserves)
    ));
    stage.refused(&revert.words);
    Ok(())
}

/// The refusal of a call that must be refused.
pub(super) async fn refusal<C: alloy::sol_types::SolCall>(
    chain: &Chain,
    from: Address,
    to: Address,
    call: &C,
) -> Result<Revert> {
    match chain.simulate(from, to, call).await {
        Err(desk::chain::ChainError::Reverted(revert)) => Ok(revert),
        Err(error) => Err(error.into()),
        Ok(_) => Err(Failure::other(format!("{} was not refused", C::SIGNATURE))),
    }
}

/// Whole tokens in base units; the demo's numbers are far from overflowing.
pub(super) fn whole(count: u64, decimals: u8) -> U256 {
    U256::from(count).saturating_mul(U256::from(10).pow(U256::from(decimals)))
}

/// A number with grouped thousands.
pub(super) fn grouped(number: u64) -> String {
    units(U256::from(number), 0)
}
