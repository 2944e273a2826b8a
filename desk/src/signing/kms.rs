//! The key management of a cloud: a digest is signed, by alloy's signers, which read the service's DER, take the low
//! `s` and find the parity.

use alloy::primitives::{Address, Signature};

use super::request::Request;

/// An error with its causes: in the clouds' libraries only the root cause says what happened.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words
}

/// Refuses a key other than the one that the profile names.
fn expect(found: Address, wanted: Address) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!(
            "its key is that of {found}, but the profile says {wanted}"
        ))
    }
}

/// Signs with AWS KMS: `key` is an id, an ARN or an alias of a key `ECC_SECG_P256K1`.
#[cfg(feature = "aws-kms")]
pub(super) async fn aws(
    address: Address,
    key: &str,
    region: Option<&str>,
    endpoint: Option<&str>,
    request: &Request,
) -> Result<Signature, String> {
    use alloy::signers::Signer as _;
    use alloy_signer_aws::AwsSigner;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_kms::Client;
    use aws_smithy_http_client::Builder;
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let client = Client::new(&loader.load().await);
    let opened = AwsSigner::new(client, key.to_owned(), None).await;
    let signer = opened.map_err(|error| words(&error))?;
    expect(signer.address(), address)?;
    let signed = signer.sign_hash(&request.digest()).await;
    signed.map_err(|error| words(&error))
}

/// Signs with Google Cloud KMS: `key` is the name of a version of a key `EC_SIGN_SECP256K1_SHA256`.
#[cfg(feature = "gcp-kms")]
pub(super) async fn gcp(
    address: Address,
    key: &str,
    endpoint: Option<&str>,
    request: &Request,
) -> Result<Signature, String> {
    use alloy::signers::Signer as _;
    use alloy_signer_gcp::gcloud_sdk::GoogleApi;
    use alloy_signer_gcp::gcloud_sdk::google::cloud::kms::v1::key_management_service_client::KeyManagementServiceClient;
    use alloy_signer_gcp::{GcpKeyRingRef, GcpSigner, KeySpecifier};

    /// Google's own.
    const ENDPOINT: &str = "https://cloudkms.googleapis.com";

    let [project, location, ring, name, version] = parts(key)?;
    let version = version.parse().map_err(|_| form(key))?;
    let ring = GcpKeyRingRef::new(project, location, ring);
    let key = KeySpecifier::new(ring, name, version);
    crate::http::install_cryptography();
    let endpoint = endpoint.unwrap_or(ENDPOINT);
    let opened = GoogleApi::from_function(KeyManagementServiceClient::new, endpoint, None).await;
    let client = opened.map_err(|error| words(&error))?;
    let opened = GcpSigner::new(client, key, None).await;
    let signer = opened.map_err(|error| words(&error))?;
    expect(signer.address(), address)?;
    let signed = signer.sign_hash(&request.digest()).await;
    signed.map_err(|error| words(&error))
}

/// Project, location, ring, key and version of a key's name.
#[cfg(feature = "gcp-kms")]
fn parts(key: &str) -> Result<[&str; 5], String> {
    let words: Vec<&str> = key.split('/').collect();
    let [
        "projects",
        project,
        "locations",
        location,
        "keyRings",
        ring,
        "cryptoKeys",
        name,
        "cryptoKeyVersions",
        version,
    ] = words[..]
    else {
        return Err(form(key));
    };
    Ok([project, location, ring, name, version])
}

#[cfg(feature = "gcp-kms")]
fn form(key: &str) -> String {
    format!(
        "'{key}' is not a key version: write \
         projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1"
    )
}

#[cfg(all(test, feature = "gcp-kms"))]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_has_its_five_parts() {
        let name = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3";
        assert_eq!(parts(name), Ok(["p", "eu", "r", "k", "3"]));
        for bad in [
            "",
            "alias/desk",
            "projects/p/locations/eu/keyRings/r/cryptoKeys/k",
        ] {
            assert_eq!(parts(bad), Err(form(bad)));
        }
    }
}
