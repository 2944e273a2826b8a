//! The table of costs: measured, and compared with the committed snapshot and the specification's bars.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::artifact::workspace;

/// Gas by key, programs not cached and cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Every program is in the chain's cache.
    pub cached: u64,
    /// No program is.
    pub uncached: u64,
}

/// The most that an operation may cost with cached programs: docs/security-token.md, docs/tsusdc.md,
/// docs/settlement.md, docs/distributions.md.
pub const BARS: [(&str, u64); 18] = [
    ("token.transfer", 45_300),
    ("token.transferFrom", 53_000),
    ("token.transferWorst", 260_000),
    ("token.setWallets100", 9_700_000),
    ("token.setSanctioned100", 9_000_000),
    ("coin.transfer", 36_400),
    ("coin.transferFrom", 45_500),
    ("coin.transferWithAuthorization", 75_000),
    ("coin.mint", 60_000),
    ("settlement.settle", 128_500),
    ("settlement.registerOrder", 115_000),
    ("settlement.settleSigned", 215_000),
    ("settlement.cancelOrderById", 35_000),
    ("settlement.commitMatch", 260_000),
    ("settlement.settleCommitted", 130_000),
    ("settlement.commitAndSettle", 385_000),
    ("settlement.commitAndSettleAgain", 325_000),
    ("distribution.payBatch100PerHolder", 60_000),
];

/// The most that a settlement may cost, in percent of the floor.
pub const FLOOR_PERCENT: u64 = 160;

/// The file of the committed figures, which depend on the compiler: Debian's build of a version has another LLVM.
///
/// # Panics
/// When there is no `rustc`.
pub fn snapshot_path() -> PathBuf {
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc is on the path");
    let debian = String::from_utf8_lossy(&version.stdout).contains("built from a source tarball");
    workspace().join(if debian {
        "snapshots/debian/gas.json"
    } else {
        "snapshots/gas.json"
    })
}

/// The snapshot's text.
pub fn to_json(costs: &BTreeMap<String, Cost>) -> String {
    let rows: serde_json::Map<String, Value> = costs
        .iter()
        .map(|(key, cost)| {
            (
                key.clone(),
                json!({
                    "cached": cost.cached,
                    "uncached": cost.uncached,
                }),
            )
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&rows).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads a snapshot; nothing when it is not JSON.
pub fn from_json(text: &str) -> BTreeMap<String, Cost> {
    let rows: BTreeMap<String, BTreeMap<String, u64>> =
        serde_json::from_str(text).unwrap_or_default();
    rows.into_iter()
        .map(|(key, row)| {
            let gas = |name| row.get(name).copied().unwrap_or_default();
            (
                key,
                Cost {
                    cached: gas("cached"),
                    uncached: gas("uncached"),
                },
            )
        })
        .collect()
}

/// Every line that differs between what was committed and what was measured.
pub fn differences(
    committed: &BTreeMap<String, Cost>,
    measured: &BTreeMap<String, Cost>,
) -> Vec<String> {
    let mut keys: Vec<_> = committed.keys().chain(measured.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| committed.get(*key) != measured.get(*key))
        .map(|key| {
            let show = |cost: Option<&Cost>| {
                cost.map_or("nothing".to_owned(), |cost| {
                    format!("{} cached, {} not cached", cost.cached, cost.uncached)
                })
            };
            format!(
                "{key}: {} -> {}",
                show(committed.get(key)),
                show(measured.get(key))
            )
        })
        .collect()
}

/// The table with the bars.
pub fn table(costs: &BTreeMap<String, Cost>) -> String {
    let mut text = format!(
        "{:<34}{:>10}{:>12}{:>10}{:>8}\n",
        "operation", "cached", "not cached", "bar", "of bar"
    );
    for (key, cost) in costs {
        let bar = BARS
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, bar)| *bar);
        let (bar, share) = bar.map_or((String::new(), String::new()), |bar| {
            (bar.to_string(), format!("{} %", cost.cached * 100 / bar))
        });
        let _ = writeln!(
            text,
            "{key:<34}{:>10}{:>12}{bar:>10}{share:>8}",
            cost.cached, cost.uncached
        );
    }
    if let Some(percent) = floor_percent(costs) {
        let verdict = if percent > FLOOR_PERCENT {
            "missed"
        } else {
            "met"
        };
        let _ = writeln!(
            text,
            "settlement.settle is {percent} % of its floor (bar {FLOOR_PERCENT} %: {verdict})"
        );
    }
    text
}

/// Everything above its bar, in words.
pub fn over_the_bar(costs: &BTreeMap<String, Cost>) -> Vec<String> {
    let over = BARS.iter().filter_map(|(key, bar)| {
        let cost = costs.get(*key)?.cached;
        (cost > *bar).then(|| format!("{key} costs {cost}, the bar is {bar}"))
    });
    let floor = floor_percent(costs)
        .filter(|percent| *percent > FLOOR_PERCENT)
        .map(|percent| {
            format!("settlement.settle is {percent} % of its floor, the bar is {FLOOR_PERCENT} %")
        });
    over.chain(floor).collect()
}

fn floor_percent(costs: &BTreeMap<String, Cost>) -> Option<u64> {
    let settle = costs.get("settlement.settle")?.cached;
    let floor = costs.get("settlement.floor")?.cached;
    Some((settle * 100).div_ceil(floor.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(settle: u64) -> BTreeMap<String, Cost> {
        [("settlement.settle", settle), ("settlement.floor", 90_000)]
            .map(|(key, cached)| {
                (
                    key.to_owned(),
                    Cost {
                        cached,
                        uncached: cached * 2,
                    },
                )
            })
            .into()
    }

    #[test]
    fn a_snapshot_reads_back() {
        assert_eq!(from_json(&to_json(&costs(1))), costs(1));
    }

    #[test]
    fn a_difference_names_all_figures() {
        let lines = differences(&costs(1), &costs(2));
        let expected = "settlement.settle: 1 cached, 2 not cached -> 2 cached, 4 not cached";
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_cost_over_its_bar_is_named() {
        let floor = |cached| {
            let cost = Cost {
                cached,
                ..Cost::default()
            };
            ("settlement.floor".to_owned(), cost)
        };
        let mut costs = costs(128_500);
        costs.extend([floor(100_000)]);
        assert!(over_the_bar(&costs).is_empty());
        costs.extend([floor(80_000)]);
        assert_eq!(
            over_the_bar(&costs),
            ["settlement.settle is 161 % of its floor, the bar is 160 %"]
        );
        costs.extend([floor(100_000)]);
        costs
            .entry("settlement.settle".to_owned())
            .or_default()
            .cached = 128_501;
        assert_eq!(
            over_the_bar(&costs),
            ["settlement.settle costs 128501, the bar is 128500"]
        );
    }

    #[test]
    fn the_table_says_whether_the_floor_bar_is_met() {
        assert!(table(&costs(144_000)).contains("160 % of its floor (bar 160 %: met)"));
        assert!(table(&costs(144_001)).contains("161 % of its floor (bar 160 %: missed)"));
    }
}
