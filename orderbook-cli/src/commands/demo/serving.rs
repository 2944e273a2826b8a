//! The market that is left running: the board over HTTP, the chain watched, and a person for each role. Nobody signs in
//! by a link: each signs the text that the platform shows, with a wallet of the demo.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use book::board::Board;
use book::log::staff::{Role, StaffChange};
use desk::settlement::GAS_CAP;
use desk::signing::signer::Signer;
use serve::config::{Config, Face};
use serve::node::Endpoint;
use serve::settler::Settler;
use serve::watch::Watcher;
use serve::{ServeError, Server};

use super::super::failure::Result;
use super::super::staff;
use super::proof::first_block;
use super::world::{ADMIN, World};

/// Where it is served by default; any other port if that one is taken.
const PORT: u16 = 8080;

/// Each role with the wallet that signs in for it.
pub(super) const ROLES: [(&str, &str); 6] = [
    ("investor", "ada-lindqvist"),
    ("trader", "dana"),
    ("principal", "ruth"),
    ("operator", "otto"),
    ("records officer", "rita"),
    ("admin", "alma"),
];

/// Persons whom the demo itself does not need.
const MORE: [(&str, &str, Role); 2] = [
    ("otto.brandt", "otto", Role::Operator),
    ("rita.moreau", "rita", Role::RecordsOfficer),
];

/// Names the persons that are missing, and opens the server.
pub(super) async fn open(world: &mut World, listen: Option<SocketAddr>) -> Result<Server> {
    for (person, wallet, role) in MORE {
        let address = world.hire(wallet)?;
        let change = StaffChange::Added {
            crd: None,
            person: person.into(),
            roles: [role].into(),
            wallet: address,
        };
        let board = world.board()?;
        let changed = staff::signed_by_one(board, change, world.person(ADMIN)?)?;
        board.change_staff(changed, "").await?;
    }
    let desk = (world.board()?, world.key("desk")?);
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let opened = server(world, desk, listen.unwrap_or(usual)).await;
    match opened {
        Err(ServeError::Listen { .. }) if listen.is_none() => {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Ok(server(world, desk, any).await?)
        }
        opened => Ok(opened?),
    }
}

async fn server(
    world: &World,
    (board, operator): (&Board, &Signer),
    listen: SocketAddr,
) -> std::result::Result<Server, ServeError> {
    let node = Arc::new(Endpoint::new(
        world.chain.url().to_owned(),
        world.chain.id(),
        world.settlement,
        Duration::from_secs(30),
    ));
    let config = Config {
        listen,
        admin: None,
        faces: Face::ALL.to_vec(),
        public_url: None,
        tls: None,
        proxies: None,
        limit: serve::limits::DEFAULT,
        log_key: None,
        last_log_key: None,
        webhook_allow: Vec::new(),
    };
    let watcher = Watcher::new(board.clone(), node.clone(), first_block(world));
    let target = world.settlement_target();
    let settler = Settler::new(
        board.clone(),
        node.clone(),
        target,
        operator.clone(),
        GAS_CAP,
    );
    let by = World::by(ADMIN, "");
    let server = Server::open(config, board.clone(), node, by).await?;
    Ok(server.watching(watcher).settling(settler).silent())
}
