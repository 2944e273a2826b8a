//! `demo`: a whole trade on the embedded chain, from nothing, in the terminal.

use clap::Args;

use super::failure::Result;
use crate::render::Answer;

/// Run a whole trade on the embedded chain, from nothing
#[derive(Args, Debug)]
pub(super) struct Demo {}

impl Demo {
    pub(super) async fn run(self, _json: bool) -> Result {
        Ok(Answer::default())
    }
}
