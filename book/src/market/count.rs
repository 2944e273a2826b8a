//! A number of things, in words.

use std::fmt::Display;

/// "1 wallet", "3 wallets", "2 matches".
pub fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    if count == N::from(1) {
        format!("1 {noun}")
    } else if noun.ends_with("ch") {
        format!("{count} {noun}es")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_else_plural() {
        assert_eq!(counted(0_usize, "order"), "0 orders");
        assert_eq!(counted(1_u64, "wallet"), "1 wallet");
        assert_eq!(counted(1_usize, "match"), "1 match");
        assert_eq!(counted(12_u32, "match"), "12 matches");
    }
}
