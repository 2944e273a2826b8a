//! TsUSDC moved by signatures: ERC-2612 and ERC-3009.

use acceptance::{
    account::Account,
    bindings::ITsUSDC,
    hostile::Wallet,
    market::{DAY, Market, usd},
    order::with_high_s,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{Eip712Domain, SolCall, SolStruct, eip712_domain},
};

sol! {
    struct TransferWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    struct ReceiveWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    struct CancelAuthorization { address authorizer; bytes32 nonce; }
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

fn domain(market: &Market, contract: Address, name: &'static str) -> Eip712Domain {
    eip712_domain! {
        name: name,
        version: "1",
        chain_id: market.chain.chain_id,
        verifying_contract: contract,
    }
}

fn coin_domain(market: &Market) -> Eip712Domain {
    domain(market, market.coin, "TsUSDC")
}

/// Signs any struct for the coin.
fn sign<T: SolStruct>(market: &Market, what: &T, signer: &Account) -> Bytes {
    signer.sign(what.eip712_signing_hash(&coin_domain(market)))
}

/// `receiveWithAuthorization` of 10 coins by the buyer to the seller, with its signature as bytes.
fn receive(
    market: &Market,
    nonce: u8,
    valid_after: u64,
    valid_before: u64,
) -> ITsUSDC::receiveWithAuthorization_0Call {
    receive_from(
        market,
        market.buyer.address,
        nonce,
        valid_after,
        valid_before,
    )
}

fn receive_from(
    market: &Market,
    from: Address,
    nonce: u8,
    valid_after: u64,
    valid_before: u64,
) -> ITsUSDC::receiveWithAuthorization_0Call {
    let message = ReceiveWithAuthorization {
        from,
        to: market.seller.address,
        value: usd(10),
        validAfter: U256::from(valid_after),
        validBefore: U256::from(valid_before),
        nonce: B256::repeat_byte(nonce),
    };
    let signature = sign(market, &message, &market.buyer);
    let ReceiveWithAuthorization {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
    } = message;
    ITsUSDC::receiveWithAuthorization_0Call {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
        signature,
    }
}

/// The signature's parts.
fn parts(signature: &Bytes) -> (u8, B256, B256) {
    (
        signature[64],
        B256::from_slice(&signature[..32]),
        B256::from_slice(&signature[32..64]),
    )
}

/// The entry points that take a signature, each with its caller and the parties whose blacklisting stops it.
pub(crate) fn entries(market: &Market) -> Vec<(&'static str, Account, Bytes, Vec<Address>)> {
    let (owner, to) = (market.buyer.address, market.seller.address);
    let spender = market.operator.address;
    let far = market.opened + 365 * DAY;
    let message = TransferWithAuthorization {
        from: owner,
        to,
        value: usd(10),
        validAfter: U256::ZERO,
        validBefore: U256::from(far),
        nonce: B256::repeat_byte(0x31),
    };
    let signature = sign(market, &message, &market.buyer);
    let (v, r, s) = parts(&signature);
    let TransferWithAuthorization {
        from,
        value,
        validAfter,
        validBefore,
        nonce,
        ..
    } = message;
    let by_parts = ITsUSDC::transferWithAuthorization_1Call {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
        v,
        r,
        s,
    };
    let by_bytes = ITsUSDC::transferWithAuthorization_0Call {
        from,
        to,
        value,
        validAfter,
        validBefore,
        nonce,
        signature,
    };
    let received = receive(market, 0x32, 0, far);
    let permit = Permit {
        owner,
        spender,
        value: usd(1),
        nonce: U256::ZERO,
        deadline: U256::from(far),
    };
    let signature = sign(market, &permit, &market.buyer);
    let (v, r, s) = parts(&signature);
    let permit_by_parts = ITsUSDC::permit_1Call {
        owner,
        spender,
        value: usd(1),
        deadline: U256::from(far),
        v,
        r,
        s,
    };
    let permit_by_bytes = ITsUSDC::permit_0Call {
        owner,
        spender,
        value: usd(1),
        deadline: U256::from(far),
        signature,
    };
    let cancel = CancelAuthorization {
        authorizer: owner,
        nonce: B256::repeat_byte(0x33),
    };
    let cancel_by_bytes = ITsUSDC::cancelAuthorization_1Call {
        authorizer: owner,
        nonce: cancel.nonce,
        signature: sign(market, &cancel, &market.buyer),
    };
    let (v, r, s) = parts(&cancel_by_bytes.signature);
    let cancel_by_parts = ITsUSDC::cancelAuthorization_0Call {
        authorizer: owner,
        nonce: cancel.nonce,
        v,
        r,
        s,
    };
    let (v, r, s) = parts(&received.signature);
    let received_by_parts = ITsUSDC::receiveWithAuthorization_1Call {
        from: owner,
        to,
        value: received.value,
        validAfter: received.validAfter,
        validBefore: received.validBefore,
        nonce: received.nonce,
        v,
        r,
        s,
    };
    let relayer = || market.stranger.clone();
    let moving = vec![owner, to];
    vec![
        (
            "transferWithAuthorization (v, r, s)",
            relayer(),
            by_parts.abi_encode().into(),
            moving.clone(),
        ),
        (
            "transferWithAuthorization (bytes)",
            relayer(),
            by_bytes.abi_encode().into(),
            moving.clone(),
        ),
        (
            "receiveWithAuthorization (v, r, s)",
            market.seller.clone(),
            received_by_parts.abi_encode().into(),
            moving.clone(),
        ),
        (
            "receiveWithAuthorization (bytes)",
            market.seller.clone(),
            received.abi_encode().into(),
            moving,
        ),
        (
            "permit (v, r, s)",
            relayer(),
            permit_by_parts.abi_encode().into(),
            vec![],
        ),
        (
            "permit (bytes)",
            relayer(),
            permit_by_bytes.abi_encode().into(),
            vec![],
        ),
        (
            "cancelAuthorization (v, r, s)",
            relayer(),
            cancel_by_parts.abi_encode().into(),
            vec![],
        ),
        (
            "cancelAuthorization (bytes)",
            relayer(),
            cancel_by_bytes.abi_encode().into(),
            vec![],
        ),
    ]
}

/// The coin's domain is the one that wallets compute.
#[tokio::test]
async fn the_domains_are_those_that_wallets_compute() {
    let market = Market::open().await;
    let call = ITsUSDC::DOMAIN_SEPARATORCall {};
    let separator = market.chain.call(market.coin, &call).await;
    assert_eq!(separator, coin_domain(&market).separator());
    let described = market
        .chain
        .call(market.coin, &ITsUSDC::eip712DomainCall {})
        .await;
    assert_eq!(
        (described.name.as_str(), described.version.as_str()),
        ("TsUSDC", "1")
    );
    assert_eq!(described.chainId, U256::from(market.chain.chain_id));
    assert_eq!(described.verifyingContract, market.coin);
    let described = market
        .chain
        .call(market.token, &ITsUSDC::eip712DomainCall {})
        .await;
    let separator = market.chain.call(market.token, &call).await;
    let expected = eip712_domain! {
        name: described.name,
        version: described.version,
        chain_id: market.chain.chain_id,
        verifying_contract: market.token,
    };
    assert_eq!(separator, expected.separator());
}

/// Scenario 15.
#[tokio::test]
async fn receive_with_authorization_is_for_the_payee_and_once() {
    let market = Market::open().await;
    let call = receive(&market, 1, 0, market.opened + DAY);
    let error = ITsUSDC::CallerNotPayee {
        caller: market.stranger.address,
        payee: market.seller.address,
    };
    market
        .refused(&[], &market.stranger, market.coin, &call, &error)
        .await;
    market.chain.send(&market.seller, market.coin, &call).await;
    assert_eq!(market.cash(market.seller.address).await, usd(10));
    let error = ITsUSDC::AuthorizationNonceUsed {
        authorizer: market.buyer.address,
        nonce: call.nonce,
    };
    market
        .refused(&[], &market.seller, market.coin, &call, &error)
        .await;
    let state = ITsUSDC::authorizationStateCall {
        authorizer: market.buyer.address,
        nonce: call.nonce,
    };
    assert!(market.chain.call(market.coin, &state).await);
}

/// Scenario 15: the receive type is not the transfer type.
#[tokio::test]
async fn an_authorization_to_receive_is_none_to_transfer() {
    let market = Market::open().await;
    let received = receive(&market, 1, 0, market.opened + DAY);
    let call = ITsUSDC::transferWithAuthorization_0Call {
        from: received.from,
        to: received.to,
        value: received.value,
        validAfter: received.validAfter,
        validBefore: received.validBefore,
        nonce: received.nonce,
        signature: received.signature,
    };
    let error = ITsUSDC::InvalidSignature {
        signer: market.buyer.address,
    };
    market
        .refused(&[], &market.stranger, market.coin, &call, &error)
        .await;
}

/// Scenario 15.
#[tokio::test]
async fn an_authorization_is_valid_strictly_inside_its_window() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (after, before) = (market.opened + 10 * DAY, market.opened + 20 * DAY);
    let early = receive(&market, 1, after, before);
    let late = receive(&market, 2, after, before);
    let input = Bytes::from(early.abi_encode());

    clock.mine_at(after).await;
    let simulated = market
        .chain
        .simulate(market.seller.address, market.coin, input.clone())
        .await;
    let data = simulated.expect_err("at validAfter").data.expect("typed");
    let error =
        <ITsUSDC::AuthorizationNotYetValid as alloy::sol_types::SolError>::abi_decode(&data)
            .expect("AuthorizationNotYetValid");
    assert_eq!(error.validAfter, U256::from(after));

    clock.next_block_at(after + 1).await;
    market.chain.send(&market.seller, market.coin, &early).await;
    clock.mine_at(before).await;
    let input = Bytes::from(late.abi_encode());
    let simulated = market
        .chain
        .simulate(market.seller.address, market.coin, input)
        .await;
    let data = simulated.expect_err("at validBefore").data.expect("typed");
    let error = <ITsUSDC::SignatureExpired as alloy::sol_types::SolError>::abi_decode(&data)
        .expect("SignatureExpired");
    assert_eq!(error.deadline, U256::from(before));
    assert_eq!(market.cash(market.seller.address).await, usd(10));
}

/// Scenario 15.
#[tokio::test]
async fn authorizations_with_malformed_signatures_revert() {
    let market = Market::open().await;
    let good = receive(&market, 1, 0, market.opened + DAY);
    let signature = &good.signature;
    let with_v = |v: u8| Bytes::from([&signature[..64], &[v]].concat());
    let malformed = [
        with_high_s(signature),
        with_v(0),
        with_v(1),
        with_v(29),
        vec![0; 65].into(),
        Bytes::new(),
        signature[..64].to_vec().into(),
        [&signature[..], &[0]].concat().into(),
    ];
    let error = ITsUSDC::InvalidSignature {
        signer: market.buyer.address,
    };
    for signature in malformed {
        let call = ITsUSDC::receiveWithAuthorization_0Call {
            signature,
            ..good.clone()
        };
        market
            .refused(&[], &market.seller, market.coin, &call, &error)
            .await;
    }
    market.chain.send(&market.seller, market.coin, &good).await;
}

/// A signature is for one name, version, chain and contract; the right domain is tried last.
#[tokio::test]
async fn signatures_for_another_domain_revert() {
    let market = Market::open().await;
    let (owner, to) = (market.buyer.address, market.seller.address);
    let good = coin_domain(&market);
    let wrong = [
        domain(&market, market.coin, "USD Coin"),
        Eip712Domain {
            version: Some("2".into()),
            ..good.clone()
        },
        Eip712Domain {
            chain_id: Some(U256::from(market.chain.chain_id + 1)),
            ..good.clone()
        },
        domain(&market, market.token, "TsUSDC"),
    ];
    let far = U256::from(market.opened + DAY);
    let calls = |domain: &Eip712Domain| -> Vec<(&'static str, &Account, Bytes)> {
        let (value, nonce) = (usd(1), B256::repeat_byte(0x41));
        let sign = |hash: B256| market.buyer.sign(hash);
        let transfer = TransferWithAuthorization {
            from: owner,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: far,
            nonce,
        };
        let receive = ReceiveWithAuthorization {
            from: owner,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: far,
            nonce: B256::repeat_byte(0x42),
        };
        let cancel = CancelAuthorization {
            authorizer: owner,
            nonce: B256::repeat_byte(0x43),
        };
        let permit = Permit {
            owner,
            spender: to,
            value,
            nonce: U256::ZERO,
            deadline: far,
        };
        let transferred = ITsUSDC::transferWithAuthorization_0Call {
            from: owner,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: far,
            nonce,
            signature: sign(transfer.eip712_signing_hash(domain)),
        };
        let received = ITsUSDC::receiveWithAuthorization_0Call {
            from: owner,
            to,
            value,
            validAfter: U256::ZERO,
            validBefore: far,
            nonce: receive.nonce,
            signature: sign(receive.eip712_signing_hash(domain)),
        };
        let cancelled = ITsUSDC::cancelAuthorization_1Call {
            authorizer: owner,
            nonce: cancel.nonce,
            signature: sign(cancel.eip712_signing_hash(domain)),
        };
        let permitted = ITsUSDC::permit_0Call {
            owner,
            spender: to,
            value,
            deadline: far,
            signature: sign(permit.eip712_signing_hash(domain)),
        };
        let relayer = &market.stranger;
        vec![
            ("transfer", relayer, transferred.abi_encode().into()),
            ("receive", &market.seller, received.abi_encode().into()),
            ("cancel", relayer, cancelled.abi_encode().into()),
            ("permit", relayer, permitted.abi_encode().into()),
        ]
    };
    let error =
        alloy::sol_types::SolError::abi_encode(&ITsUSDC::InvalidSignature { signer: owner });
    let (chain, coin) = (&market.chain, market.coin);
    for domain in &wrong {
        for (what, caller, input) in calls(domain) {
            let watch = market.watch(&[]);
            acceptance::refusal::refused_with(chain, &watch, caller, coin, input, &error, what)
                .await;
        }
    }
    for (what, caller, input) in calls(&good) {
        let kind = alloy::primitives::TxKind::Call(coin);
        let receipt = chain.attempt(caller, kind, input, U256::ZERO).await;
        assert!(receipt.status(), "{what}");
    }
}

/// Scenario 15: each way a wallet contract can answer.
#[tokio::test]
async fn erc1271_wallets_authorize_by_an_exact_first_word() {
    let market = Market::open().await;
    let answers = [
        (Wallet::Accepts, true),
        (Wallet::Refuses, false),
        (Wallet::Answers31Bytes, false),
        (Wallet::AnswersTwoWords, true),
        (Wallet::Answers4096Bytes, true),
        (Wallet::Answers4097Bytes, false),
        (Wallet::AnswersDirtyWord, false),
        (Wallet::AnswersNothing, false),
        (Wallet::AnswersMegabyte, false),
        (Wallet::Reverts, false),
        (Wallet::RevertsWithMegabyte, false),
        (Wallet::BurnsGas, false),
    ];
    for (wallet, accepted) in answers {
        eprintln!("{wallet:?}");
        let from = wallet.deploy(&market.chain).await;
        let fund = ITsUSDC::transferCall {
            to: from,
            value: usd(10),
        };
        market.chain.send(&market.buyer, market.coin, &fund).await;
        let call = receive_from(&market, from, 7, 0, market.opened + DAY);
        if accepted {
            market.chain.send(&market.seller, market.coin, &call).await;
            assert_eq!(market.cash(from).await, U256::ZERO);
        } else {
            let error = ITsUSDC::InvalidSignature { signer: from };
            market
                .refused(&[], &market.seller, market.coin, &call, &error)
                .await;
            assert_eq!(market.cash(from).await, usd(10));
        }
    }
}

/// A wallet that reads the coin back while it is asked is served or refused cleanly.
#[tokio::test]
async fn a_wallet_that_reads_the_coin_back_is_served_or_refused_cleanly() {
    let market = Market::open().await;
    let from = Wallet::AcceptsWhatItCanRead.deploy(&market.chain).await;
    let read = ITsUSDC::balanceOfCall { account: from };
    acceptance::hostile::arm(&market.chain, &market.admin, from, market.coin, &read).await;
    let fund = ITsUSDC::transferCall {
        to: from,
        value: usd(10),
    };
    market.chain.send(&market.buyer, market.coin, &fund).await;
    let call = receive_from(&market, from, 7, 0, market.opened + DAY);
    let input = Bytes::from(call.abi_encode());
    let seller = market.seller.address;
    let served = market.chain.simulate(seller, market.coin, input).await;
    if served.is_ok() {
        market.chain.send(&market.seller, market.coin, &call).await;
        assert_eq!(market.cash(from).await, U256::ZERO);
    } else {
        let error = ITsUSDC::InvalidSignature { signer: from };
        market
            .refused(&[], &market.seller, market.coin, &call, &error)
            .await;
    }
}

/// A permit is valid at its deadline, and only once.
#[tokio::test]
async fn a_permit_is_valid_at_its_deadline_and_once() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (owner, spender) = (market.buyer.address, market.operator.address);
    let deadline = market.opened + 5 * DAY;
    let message = Permit {
        owner,
        spender,
        value: usd(7),
        nonce: U256::ZERO,
        deadline: U256::from(deadline),
    };
    let (v, r, s) = parts(&sign(&market, &message, &market.buyer));
    let call = ITsUSDC::permit_1Call {
        owner,
        spender,
        value: usd(7),
        deadline: U256::from(deadline),
        v,
        r,
        s,
    };
    clock.next_block_at(deadline).await;
    market
        .chain
        .send(&market.stranger, market.coin, &call)
        .await;
    let allowance = ITsUSDC::allowanceCall { owner, spender };
    assert_eq!(market.chain.call(market.coin, &allowance).await, usd(7));
    let nonce = ITsUSDC::noncesCall { owner };
    assert_eq!(market.chain.call(market.coin, &nonce).await, U256::from(1));
    let later = market.chain.now().await + DAY;
    clock.mine_at(later).await;
    let input = Bytes::from(call.abi_encode());
    let revert = market
        .chain
        .simulate(spender, market.coin, input)
        .await
        .expect_err("it expired");
    let data = revert.data.expect("typed");
    <ITsUSDC::SignatureExpired as alloy::sol_types::SolError>::abi_decode(&data)
        .expect("SignatureExpired");
}

/// A replayed permit is not a signature over the next nonce.
#[tokio::test]
async fn a_permit_reverts_the_second_time() {
    let market = Market::open().await;
    let (_, relayer, input, _) = entries(&market)
        .into_iter()
        .find(|(what, ..)| *what == "permit (bytes)")
        .expect("it is among them");
    let to = alloy::primitives::TxKind::Call(market.coin);
    let first = market
        .chain
        .attempt(&relayer, to, input.clone(), U256::ZERO)
        .await;
    assert!(first.status());
    let error = alloy::sol_types::SolError::abi_encode(&ITsUSDC::InvalidSignature {
        signer: market.buyer.address,
    });
    let watch = market.watch(&[]);
    let (chain, coin) = (&market.chain, market.coin);
    acceptance::refusal::refused_with(chain, &watch, &relayer, coin, input, &error, "permit").await;
}

/// A cancelled authorization is used up.
#[tokio::test]
async fn a_cancelled_authorization_reverts() {
    let market = Market::open().await;
    let call = receive(&market, 9, 0, market.opened + DAY);
    let message = CancelAuthorization {
        authorizer: market.buyer.address,
        nonce: call.nonce,
    };
    let cancel = ITsUSDC::cancelAuthorization_1Call {
        authorizer: message.authorizer,
        nonce: message.nonce,
        signature: sign(&market, &message, &market.buyer),
    };
    market
        .chain
        .send(&market.stranger, market.coin, &cancel)
        .await;
    let error = ITsUSDC::AuthorizationNonceUsed {
        authorizer: market.buyer.address,
        nonce: call.nonce,
    };
    market
        .refused(&[], &market.seller, market.coin, &call, &error)
        .await;
}
