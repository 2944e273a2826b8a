//! The events of `docs/interfaces/ITsUSDC.sol`, which carries the prose; those of roles are in `authority::roles`.

pub(crate) use sol::*;

#[allow(missing_docs, reason = "the interface file carries the prose")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        #![sol(all_derives)]

        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);

        event MinterConfigured(address indexed minter, uint256 minterAllowedAmount);
        event MinterRemoved(address indexed oldMinter);
        event Mint(address indexed minter, address indexed to, uint256 amount);
        event Burn(address indexed burner, uint256 amount);
        event BankReference(
            bytes32 indexed bankReference, address indexed minter, bool indexed isMint, uint256 amount
        );
        event ReservesAttested(uint256 reserves, uint64 asOf, address indexed attestor, bytes32 evidence);
        event ReserveMaxAgeSet(uint64 maxAge);

        event Pause();
        event Unpause();
        event Blacklisted(address indexed account);
        event UnBlacklisted(address indexed account);
        event Seized(
            address indexed from, address indexed to, uint256 amount, bytes32 indexed orderReference
        );

        event HoldPlaced(
            address indexed placer, address indexed owner, bytes32 indexed id, uint256 amount, uint64 until
        );
        event HoldUsed(
            address indexed placer, address indexed owner, bytes32 indexed id, address to, uint256 amount
        );
        event HoldDropped(address indexed placer, address indexed owner, bytes32 indexed id);
        event HoldBroken(bytes32 indexed key, address indexed owner, uint256 amount);

        event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
        event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
    }
}
