//! Puts the cast into a market, and sets up the model to match.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    account::Account,
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls as Dvp},
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
    },
    deploy,
    hostile::{IHostile, Wallet},
    market::{DAY, GROUP, Market, role, s, usd, wallet_record},
};
use alloy::{
    primitives::{Address, TxKind, U256},
    sol_types::SolInterface,
};

use crate::{
    cast::{self, Cast, GROUPS},
    model::{
        Act, Code, Roles, Step, World, coin,
        ledger::Ledger,
        security::{self, Record},
        settlement,
        weird::{Oddity, Weird},
    },
};

/// Deploys what the market does not have, and collects the keys.
pub(crate) async fn assemble(market: &Market) -> Cast {
    let chain = &market.chain;
    let (desk, investors) = cast::keys(market).await;
    let second = deploy::token(chain, 18, U256::ZERO, market.admin.address).await;
    let mut weird = Vec::new();
    for oddity in Oddity::ALL {
        weird.push(oddity.token().deploy(chain).await);
    }
    let wallet = Wallet::AcceptsOne.deploy(chain).await;
    let wallet_code = Wallet::AcceptsOne.deploy(chain).await;
    let mut everyone: Vec<&Account> = vec![
        &market.admin,
        &market.operator,
        &market.principal,
        &market.treasurer,
        &market.stranger,
        &desk,
    ];
    everyone.extend(&investors);
    let keys: BTreeMap<_, _> = everyone
        .into_iter()
        .map(|key| (key.address, key.clone()))
        .collect();
    Cast {
        keys,
        admin: market.admin.address,
        operator: market.operator.address,
        principal: market.principal.address,
        treasurer: market.treasurer.address,
        desk: desk.address,
        stranger: market.stranger.address,
        investors: investors
            .iter()
            .map(|key| key.address)
            .chain([wallet])
            .collect(),
        settlement: market.settlement,
        coin: market.coin,
        shares: [market.token, second],
        weird,
        wallet_code,
    }
}

/// The model of the market as it was opened; see [`acceptance::market`].
pub(crate) async fn first_world(market: &Market, cast: &Cast) -> World {
    let admin = cast.admin;
    let (seller, buyer) = (market.seller.address, market.buyer.address);
    let with_roles = |names: &[&str]| Roles {
        held: names.iter().map(|name| (role(name), admin)).collect(),
        admin,
        pending: Address::ZERO,
        offered: 0,
    };
    let mut texts = Vec::new();
    for code in 0..=20 {
        let call = ISecurityToken::messageForTransferRestrictionCall { code };
        texts.push(market.chain.call(market.token, &call).await);
    }
    let token_roles = [
        "ISSUER_ROLE",
        "COMPLIANCE_ROLE",
        "ENFORCER_ROLE",
        "PAUSER_ROLE",
    ];
    let share = |address| security::Security {
        ledger: Ledger {
            address,
            name: "Series A Preferred",
            ..Ledger::default()
        },
        roles: with_roles(&token_roles),
        texts: texts.clone(),
        ..security::Security::default()
    };
    let mut first = share(market.token);
    for wallet in [seller, buyer] {
        let record = Record {
            investor: cast.investor(wallet),
            group: GROUP,
            country: acceptance::market::COUNTRY,
            kyc_expiry: market.opened + 3_650 * DAY,
        };
        first.records.insert(wallet, record);
        first.wallets.insert(record.investor, vec![wallet]);
    }
    first.rules.insert((GROUP, GROUP), 1);
    first.ledger.supply = s(1_000);
    first.ledger.balances.insert(seller, s(1_000));
    let approved = (seller, cast.settlement);
    first.ledger.allowances.insert(approved, s(1_000));
    let mut settlement_roles = with_roles(&["PAUSER_ROLE"]);
    settlement_roles
        .held
        .insert((role("OPERATOR_ROLE"), cast.operator));
    settlement_roles
        .held
        .insert((role("PRINCIPAL_ROLE"), cast.principal));
    let weird = Oddity::ALL.into_iter().zip(&cast.weird);
    World {
        now: market.chain.now().await,
        domain: market.domain(),
        people: cast.keys.keys().copied().chain([cast.wallet()]).collect(),
        code: BTreeMap::from([
            (cast.wallet(), Code::Wallet),
            (cast.wallet_code, Code::Wallet),
        ]),
        settlement: settlement::Settlement {
            address: cast.settlement,
            roles: settlement_roles,
            listed: BTreeSet::from([market.token]),
            probed: BTreeMap::from([(market.token, (true, true))]),
            ..settlement::Settlement::default()
        },
        coin: coin::Coin {
            ledger: Ledger {
                address: cast.coin,
                name: "TsUSDC",
                supply: usd(50_000),
                balances: BTreeMap::from([(buyer, usd(50_000))]),
                allowances: BTreeMap::from([((buyer, cast.settlement), usd(50_000))]),
                nonces: BTreeMap::new(),
            },
            roles: Roles {
                admin: cast.treasurer,
                ..with_roles(&["PAUSER_ROLE", "BLACKLISTER_ROLE", "SEIZER_ROLE"])
            },
            minters: BTreeMap::from([(admin, usd(950_000))]),
            ..coin::Coin::default()
        },
        securities: [first, share(cast.shares[1])]
            .map(|token| (token.ledger.address, token))
            .into(),
        weird: weird
            .map(|(oddity, address)| {
                (
                    *address,
                    Weird {
                        oddity,
                        balances: BTreeMap::new(),
                        sleeps: true,
                    },
                )
            })
            .collect(),
    }
}

/// Registers the investors, opens the groups and gives everyone something to trade; the model follows.
pub(crate) async fn prepare(market: &Market, cast: &Cast, world: &mut World) {
    let chain = &market.chain;
    let clock = chain
        .clock()
        .expect("the fuzz needs the power over the clock");
    for name in [
        "ISSUER_ROLE",
        "COMPLIANCE_ROLE",
        "ENFORCER_ROLE",
        "PAUSER_ROLE",
    ] {
        let grant = ISecurityToken::grantRoleCall {
            role: role(name),
            account: cast.admin,
        };
        chain.send(&market.admin, cast.shares[1], &grant).await;
    }
    for (&address, weird) in &mut world.weird {
        for &to in &cast.investors {
            let value = s(1_000);
            chain
                .send(&market.admin, address, &IHostile::mintCall { to, value })
                .await;
            weird.balances.insert(to, value);
        }
    }
    world.now = chain.now().await;
    let admin = cast.admin;
    let mut acts: Vec<(Address, Act)> = Vec::new();
    for &security in cast.shares[1..].iter().chain(&cast.weird) {
        let call = IDvPSettlement::listSecurityCall {
            security,
            listed: true,
        };
        acts.push((admin, Act::Settlement(Dvp::listSecurity(call))));
    }
    for token in cast.shares {
        for from in GROUPS {
            for to in GROUPS {
                let call = ISecurityToken::setGroupRuleCall {
                    fromGroup: from,
                    toGroup: to,
                    opensAt: 1,
                };
                acts.push((admin, Act::Security(token, Security::setGroupRule(call))));
            }
        }
        for &wallet in &cast.investors {
            let expiry = market.opened + 3_650 * DAY;
            let mut record =
                wallet_record(wallet, cast.investor(wallet), cast.home(wallet), expiry);
            record.country = cast.country(wallet);
            acts.push((admin, Act::Security(token, Security::setWallet(record))));
            let call = ISecurityToken::mintCall {
                to: wallet,
                value: s(500),
            };
            acts.push((admin, Act::Security(token, Security::mint(call))));
        }
    }
    for &to in &cast.investors {
        let call = ITsUSDC::mintCall {
            to,
            amount: usd(5_000),
        };
        acts.push((admin, Act::Coin(Coin::mint(call))));
    }
    for (from, act) in acts {
        let step = Step {
            at: world.now,
            from,
            act,
        };
        world.apply(&step).expect("nothing prevents it");
        clock.next_block_at(step.at).await;
        let admin = &market.admin;
        let sent = match &step.act {
            Act::Settlement(call) => chain.attempt(
                admin,
                TxKind::Call(cast.settlement),
                call.abi_encode().into(),
                U256::ZERO,
            ),
            Act::Security(token, call) => chain.attempt(
                admin,
                TxKind::Call(*token),
                call.abi_encode().into(),
                U256::ZERO,
            ),
            Act::Coin(call) => chain.attempt(
                admin,
                TxKind::Call(cast.coin),
                call.abi_encode().into(),
                U256::ZERO,
            ),
            Act::Delegate(_) => unreachable!("nobody is delegated yet"),
        };
        assert!(sent.await.status(), "{step:?}");
    }
    for (&address, weird) in &mut world.weird {
        chain
            .send(&market.admin, address, &IHostile::wakeCall {})
            .await;
        weird.sleeps = false;
    }
}
