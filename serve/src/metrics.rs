//! The counters of a process in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of request times, seconds.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

#[derive(Debug, Default)]
struct Timed {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    seconds: f64,
}

#[derive(Debug, Default)]
struct Counts {
    /// By method, path as in the table of routes, and status.
    requests: BTreeMap<(&'static str, &'static str, u16), u64>,
    /// By method and path.
    times: BTreeMap<(&'static str, &'static str), Timed>,
}

/// The counters of a process.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counts>);

impl Metrics {
    /// Counts an answered request. Paths are those of the table, never what a client wrote.
    pub(crate) fn answered(
        &self,
        method: &'static str,
        path: &'static str,
        status: u16,
        took: Duration,
    ) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.requests.entry((method, path, status)).or_default() += 1;
        let timed = counts.times.entry((method, path)).or_default();
        let seconds = took.as_secs_f64();
        for (count, bound) in timed.buckets.iter_mut().zip(BOUNDS) {
            *count += u64::from(seconds <= bound);
        }
        timed.count += 1;
        timed.seconds += seconds;
    }

    /// All of them, the size of the log, the streams, and the chain's newest block with its lag in seconds, in
    /// Prometheus' text format.
    pub(crate) fn text(
        &self,
        size: Option<u64>,
        streams: usize,
        chain: Option<(u64, i64)>,
    ) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        let line = |out: &mut String, text: std::fmt::Arguments<'_>| {
            // Writing to memory does not fail.
            let _ = out.write_fmt(text);
            out.push('\n');
        };
        line(
            &mut out,
            format_args!("# TYPE orderbook_http_requests_total counter"),
        );
        for ((method, path, status), count) in &counts.requests {
            let labels = format!("method=\"{method}\",path=\"{path}\",status=\"{status}\"");
            line(
                &mut out,
                format_args!("orderbook_http_requests_total{{{labels}}} {count}"),
            );
        }
        line(
            &mut out,
            format_args!("# TYPE orderbook_http_request_seconds histogram"),
        );
        for ((method, path), timed) in &counts.times {
            let labels = format!("method=\"{method}\",path=\"{path}\"");
            let name = "orderbook_http_request_seconds";
            for (bound, count) in BOUNDS.iter().zip(timed.buckets) {
                line(
                    &mut out,
                    format_args!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}"),
                );
            }
            let Timed { count, seconds, .. } = timed;
            line(
                &mut out,
                format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {count}"),
            );
            line(&mut out, format_args!("{name}_sum{{{labels}}} {seconds}"));
            line(&mut out, format_args!("{name}_count{{{labels}}} {count}"));
        }
        line(&mut out, format_args!("# TYPE orderbook_log_events gauge"));
        if let Some(size) = size {
            line(&mut out, format_args!("orderbook_log_events {size}"));
        }
        line(&mut out, format_args!("# TYPE orderbook_streams gauge"));
        line(&mut out, format_args!("orderbook_streams {streams}"));
        if let Some((block, lag)) = chain {
            line(&mut out, format_args!("# TYPE orderbook_chain_block gauge"));
            line(&mut out, format_args!("orderbook_chain_block {block}"));
            line(
                &mut out,
                format_args!("# TYPE orderbook_chain_lag_seconds gauge"),
            );
            line(&mut out, format_args!("orderbook_chain_lag_seconds {lag}"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::default();
        for (status, millis) in [(201, 2), (201, 30), (409, 1)] {
            metrics.answered("POST", "/v1/orders", status, Duration::from_millis(millis));
        }
        let text = metrics.text(Some(7), 2, Some((90, 31)));
        for line in [
            "orderbook_http_requests_total{method=\"POST\",path=\"/v1/orders\",status=\"201\"} 2",
            "orderbook_http_requests_total{method=\"POST\",path=\"/v1/orders\",status=\"409\"} 1",
            "orderbook_http_request_seconds_bucket{method=\"POST\",path=\"/v1/orders\",le=\"0.0025\"} 2",
            "orderbook_http_request_seconds_bucket{method=\"POST\",path=\"/v1/orders\",le=\"0.1\"} 3",
            "orderbook_http_request_seconds_count{method=\"POST\",path=\"/v1/orders\"} 3",
            "orderbook_log_events 7",
            "orderbook_streams 2",
            "orderbook_chain_block 90",
            "orderbook_chain_lag_seconds 31",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
