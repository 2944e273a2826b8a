//! The cost of WASM memory: pages are counted over all programs of a transaction.

/// Pages that a transaction opens for free.
pub(crate) const FREE_PAGES: u16 = 2;
/// Gas for each further page that is open.
pub(crate) const PAGE_GAS: u64 = 1_000;
/// The most pages that one program may have, and that may be open at once.
pub(crate) const PAGE_LIMIT: u16 = 128;
/// The value of the exponential part at [`PAGE_LIMIT`]: with the linear part, 32 million gas.
const RAMP_TOP: f64 = 31_874_000.0;

/// The open pages of a transaction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pages {
    /// Open in the programs on the call stack now.
    pub(crate) open: u16,
    /// The most ever open at once.
    pub(crate) ever: u16,
}

impl Pages {
    /// Opens `new` pages and returns their price in gas.
    pub(crate) fn add(&mut self, new: u16) -> u64 {
        let gas = self.price(new);
        self.open = self.open.saturating_add(new);
        self.ever = self.ever.max(self.open);
        gas
    }

    /// Gas for `new` pages on top of those open: linear in the pages beyond the free ones,
    /// exponential in the most pages ever open, without bound beyond the page limit.
    fn price(self, new: u16) -> u64 {
        let open = self.open.saturating_add(new);
        let ever = self.ever.max(open);
        if ever <= FREE_PAGES {
            return 0;
        }
        if ever > PAGE_LIMIT {
            return u64::MAX;
        }
        let beyond_free = |pages: u16| u64::from(pages.saturating_sub(FREE_PAGES));
        let linear = (beyond_free(open) - beyond_free(self.open)) * PAGE_GAS;
        linear + ramp(ever) - ramp(self.ever)
    }
}

/// The total charged when `pages` is the most ever open.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and RAMP_TOP"
)]
fn ramp(pages: u16) -> u64 {
    RAMP_TOP.powf(f64::from(pages) / f64::from(PAGE_LIMIT)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pages_are_free() {
        let mut pages = Pages::default();
        assert_eq!(pages.add(2), 0);
        assert_eq!(pages, Pages { open: 2, ever: 2 });
    }

    #[test]
    fn a_third_page_costs_the_page_price() {
        let mut pages = Pages { open: 2, ever: 2 };
        assert_eq!(pages.add(1), PAGE_GAS);
    }

    #[test]
    fn pages_opened_again_pay_no_ramp() {
        let mut fresh = Pages { open: 2, ever: 2 };
        let mut again = Pages { open: 2, ever: 60 };
        assert_eq!(again.add(50), 50 * PAGE_GAS);
        assert_eq!(fresh.add(50), 50 * PAGE_GAS + ramp(52) - ramp(2));
    }

    #[test]
    fn all_pages_cost_32_million_gas() {
        let gas = Pages::default().add(PAGE_LIMIT);
        assert!((31_999_990..=32_000_000).contains(&gas), "{gas}");
    }

    #[test]
    fn more_pages_than_the_limit_have_no_price() {
        assert_eq!(Pages::default().add(PAGE_LIMIT + 1), u64::MAX);
        assert_eq!(
            Pages {
                open: 100,
                ever: 100
            }
            .add(u16::MAX),
            u64::MAX
        );
    }
}
