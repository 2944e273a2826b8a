//! Many views at once, several in a request.

use alloy::primitives::{Address, Bytes};
use alloy::providers::Provider as _;
use alloy::rpc::client::BatchRequest;
use alloy::sol_types::SolCall;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::client::{Chain, request};
use super::error::ChainError;

/// Views in one request.
const IN_ONE: usize = 100;

/// Requests of many views at the same time.
const BATCHES: usize = 4;

/// Requests of a single view at the same time.
const SINGLE: usize = 16;

impl Chain {
    /// Many views of one kind, several in a request, in order. A node that does not accept batches is asked one by one.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn views<C: SolCall>(
        &self,
        calls: &[(Address, C)],
    ) -> Result<Vec<C::Return>, ChainError> {
        // Collected so that the whole is a future that any thread can run.
        let portions: Vec<_> = calls
            .chunks(IN_ONE)
            .map(|portion| self.batch(portion))
            .collect();
        let answers: Result<Vec<Vec<Bytes>>, ChainError> =
            stream::iter(portions).buffered(BATCHES).try_collect().await;
        let answers: Vec<Bytes> = match answers {
            Ok(answers) => answers.into_iter().flatten().collect(),
            Err(error @ ChainError::Reverted(_)) => return Err(error),
            Err(_) => {
                let single: Vec<_> = calls
                    .iter()
                    .map(|(to, call)| self.raw_view(*to, call))
                    .collect();
                stream::iter(single).buffered(SINGLE).try_collect().await?
            }
        };
        let mut decoded = Vec::with_capacity(calls.len());
        for ((to, _), answer) in calls.iter().zip(&answers) {
            decoded.push(self.decoded_view::<C>(*to, answer).await?);
        }
        Ok(decoded)
    }

    async fn batch<C: SolCall>(&self, calls: &[(Address, C)]) -> Result<Vec<Bytes>, ChainError> {
        let mut batch = BatchRequest::new(self.provider.client());
        let mut waiting = Vec::with_capacity(calls.len());
        for (to, call) in calls {
            let asked = batch.add_call::<_, Bytes>("eth_call", &(request(*to, call), "latest"));
            waiting.push(asked.map_err(|e| self.rpc(e))?);
        }
        batch.send().await.map_err(|e| self.rpc(e))?;
        let mut answers = Vec::with_capacity(calls.len());
        for answer in waiting {
            answers.push(answer.await.map_err(|e| self.rpc(e))?);
        }
        Ok(answers)
    }
}
