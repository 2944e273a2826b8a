//! `settlement show, pause, resume, commitments, record-at`: the broker-dealer's contract itself.

use book::log::fact::Finality;
use clap::Subcommand;
use desk::chain::abi::IDvPSettlement;
use desk::finality;
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::Result;
use crate::render::{Answer, Block};

/// Show, pause and resume the settlement contract
#[derive(Debug, Subcommand)]
pub(super) enum Settlement {
    /// Show whose it is, what it pays in, what it has settled and which securities it admits
    #[command(after_help = "Example: orderbook settlement show")]
    Show,
    /// Stop settling, registering and anchoring; owners can still cancel
    #[command(
        after_help = "Example: orderbook settlement pause --wallet counsel\n\nThe wallet of the profile's admin signs; it needs PAUSER_ROLE (orderbook role grant settlement PAUSER_ROLE ...).\nA single security is withdrawn with: orderbook token admit HRBR --withdraw"
    )]
    Pause,
    /// Resume after a pause
    #[command(
        after_help = "Example: orderbook settlement resume --wallet counsel\n\nThe default admin signs: whoever may pause may not resume."
    )]
    Resume,
    /// Require a principal to commit every match before it settles, or let the operator's key settle alone
    #[command(
        after_help = "Examples:\n  orderbook settlement commitments --required\n  orderbook settlement commitments --optional\n\nThe default admin signs."
    )]
    Commitments {
        /// Only committed matches settle
        #[arg(
            long,
            required_unless_present = "optional",
            conflicts_with = "optional"
        )]
        required: bool,
        /// Every approved match settles
        #[arg(long)]
        optional: bool,
    },
    /// Set how final its block must be before the book records a fill; without TAG, show the rule
    #[command(
        after_help = "Examples:\n  orderbook settlement record-at\n  orderbook settlement record-at safe\n\nsoft: in a block. safe and final: by the node's tags `safe` and `finalized`; until then the match stays SUBMITTED, and\na fill that vanishes with its block changes nothing recorded. It applies to settle, sync and every server of the book."
    )]
    RecordAt {
        /// soft, safe or final
        #[arg(value_name = "TAG", value_parser = tag)]
        at: Option<Finality>,
    },
}

/// A tag as it is written.
fn tag(text: &str) -> std::result::Result<Finality, String> {
    match text {
        "soft" => Ok(Finality::Soft),
        "safe" => Ok(Finality::Safe),
        "final" => Ok(Finality::Final),
        _ => Err("write soft, safe or final".into()),
    }
}

impl Settlement {
    pub(super) async fn run(self, context: &Context) -> Result {
        let to = context.settlement()?;
        match self {
            Self::Show => show(context).await,
            Self::Pause => {
                let call = IDvPSettlement::pauseCall {};
                act::send(context, "admin", to, &call, "settlement paused").await
            }
            Self::Resume => {
                let call = IDvPSettlement::unpauseCall {};
                act::send(context, "admin", to, &call, "settlement resumed").await
            }
            Self::Commitments { required, .. } => {
                let call = IDvPSettlement::setCommitmentRequiredCall { required };
                let words = if required {
                    "only committed matches settle"
                } else {
                    "every approved match settles, committed or not"
                };
                act::send(context, "admin", to, &call, words).await
            }
            Self::RecordAt { at } => record_at(context, at).await,
        }
    }
}

/// Sets the book's rule, or shows it.
async fn record_at(context: &Context, at: Option<Finality>) -> Result {
    let board = context.board().await?;
    let before = board.recording_rule().await?;
    if let Some(at) = at.filter(|at| before != Some(*at)) {
        // A rule that no node of this chain can follow would keep every fill out of the book.
        context.chain().await?.tagged(at).await?;
        board.set_recording_rule(at, context.by("")?).await?;
    }
    let rule = at.or(before);
    let words = match rule {
        None | Some(Finality::Soft) => "fills are recorded once they are in a block".to_owned(),
        Some(tag) => {
            let tag = finality::words(tag);
            format!("fills are recorded once their block is {tag}")
        }
    };
    Ok(Answer::line(json!({ "record_at": rule }), words))
}

async fn show(context: &Context) -> Result {
    let (chain, to) = (context.chain().await?, context.settlement()?);
    let who = chain.view(to, IDvPSettlement::brokerDealerCall {}).await?;
    let payment = chain.view(to, IDvPSettlement::paymentCall {}).await?;
    let count = chain
        .view(to, IDvPSettlement::settlementCountCall {})
        .await?;
    let paused = chain.view(to, IDvPSettlement::pausedCall {}).await?;
    let required = IDvPSettlement::commitmentRequiredCall {};
    let required = chain.view(to, required).await?;
    let (mut listed, mut others) = (Vec::new(), Vec::new());
    for security in &context.settings.profile().securities {
        let call = IDvPSettlement::isListedCall {
            security: security.token,
        };
        let names = if chain.view(to, call).await? {
            &mut listed
        } else {
            &mut others
        };
        names.push(security.symbol.as_str());
    }
    let data = json!({
        "address": to,
        "chain_id": chain.id(),
        "broker_dealer": who.name,
        "crd": who.crd,
        "lei": who.lei,
        "payment": payment,
        "settlements": count.to_string(),
        "paused": paused,
        "commitment_required": required,
        "admitted": listed,
        "not_admitted": others,
    });
    Ok(Answer::new(data).with(Block::Pairs(vec![
        (
            "contract".into(),
            format!("{to} on chain {}", chain.id()).into(),
        ),
        (
            "broker-dealer".into(),
            format!("{}, CRD {}, LEI {}", who.name, who.crd, who.lei).into(),
        ),
        ("pays in".into(), payment.into()),
        ("settlements".into(), count.into()),
        ("paused".into(), if paused { "yes" } else { "no" }.into()),
        (
            "settles".into(),
            if required {
                "committed matches only"
            } else {
                "every approved match, committed or not"
            }
            .into(),
        ),
        ("admitted".into(), listed.join(", ").into()),
        ("not admitted".into(), others.join(", ").into()),
    ])))
}
