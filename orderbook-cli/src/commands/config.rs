//! `config show`.

use clap::Subcommand;

use super::context::Context;
use super::failure::Result;
use super::stake::percent;
use crate::render::{Answer, Cell, Table, Tone};

/// Explain the settings
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting, its value and where it comes from
    #[command(
        after_help = "Example: ORDERBOOK_RPC_URL=http://127.0.0.1:9000 orderbook config show"
    )]
    Show,
}

impl Config {
    pub(super) fn run(self, context: &Context) -> Result {
        let Self::Show = self;
        let settings = &context.settings;
        let profile = settings.profile();
        let found = if settings.has_profile() {
            "found"
        } else {
            "not found"
        };
        let mut table = Table::new(&["setting", "value", "source"]);
        table.row([
            "profile".into(),
            settings.path().display().to_string().into(),
            found.into(),
        ]);
        let from = |present: bool| if present { "profile" } else { "default" };
        table.row([
            "name".into(),
            profile.name.clone().into(),
            from(settings.has_profile()).into(),
        ]);
        let tone = if profile.live {
            Tone::Warn
        } else {
            Tone::Plain
        };
        table.row([
            "live".into(),
            Cell::new(profile.live.to_string(), tone),
            from(settings.has_profile()).into(),
        ]);
        if profile.live {
            let share = percent(settings.retype_above()?);
            table.row([
                "retype_above".into(),
                share.into(),
                from(profile.retype_above.is_some()).into(),
            ]);
        }
        for setting in settings.all() {
            let value = setting.value.clone().unwrap_or_default();
            table.row([
                setting.key.name().into(),
                value.into(),
                setting.source.to_string().into(),
            ]);
        }
        for security in &profile.securities {
            let key = format!("security {}", security.symbol);
            let value = format!(
                "{} {} ({} decimals)",
                security.token, security.isin, security.decimals
            );
            table.row([key.into(), value.into(), "profile".into()]);
        }
        Ok(Answer::table(table))
    }
}
