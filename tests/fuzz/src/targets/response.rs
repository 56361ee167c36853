//! Responses of the enclave, and their results and bodies.
//!
//! - An accepted response is encoded to the same bytes, unless it is longer than `MAX_HEAD`.
//! - A response to one request is rejected as a response to another.
//! - An accepted result, an accepted list, accepted policy texts, and accepted key metadata are encoded to the same
//!   bytes.
//! - A response with an accepted result is accepted, and the result is unchanged, unless it is longer than `MAX_HEAD`.

use enclave_core::kms::KeyMetadata;
use enclave_core::messages::{
    MAX_HEAD, PolicyTexts, Response, RunResult, StatementResult, Status, VaultOffer, encode_list, parse_list,
    split_head,
};
use enclave_core::{Error, MessageKind, RequestDigest};
use zeroize::Zeroizing;

/// Where a response contains the digest of its request.
const DIGEST: std::ops::Range<usize> = 6..54;
/// An upper bound of what a response without receipt and body adds to its result, in bytes.
const OVERHEAD: usize = 64;

/// The input is a response, a result, a list, policy texts, or key metadata. The target expects the digest in a
/// response, so that the parser behind this check is reached.
pub fn check(data: &[u8]) {
    check_result(data, RunResult::parse(data).map(|result| result.encode().to_vec()));
    check_result(data, StatementResult::parse(data).map(|result| result.encode()));
    check_result(data, VaultOffer::parse(data).map(|result| result.encode()));
    if let Ok(entries) = parse_list(data) {
        assert_eq!(encode_list(&entries), data);
    }
    if let Ok(texts) = PolicyTexts::parse(data) {
        assert_eq!(texts.encode(), data);
    }
    if let Ok(metadata) = KeyMetadata::parse(data) {
        assert_eq!(metadata.encode(), data);
    }
    for n in [0, 1] {
        let Some(digest) = data.get(DIGEST).and_then(|bytes| bytes.try_into().ok()) else { return };
        let digest = RequestDigest::new(digest);
        let Ok(response) = Response::parse(data, n, &digest) else { continue };
        let Ok(again) = response.encode() else {
            assert!(data.len() > MAX_HEAD, "a response that fits in a head is not encoded");
            continue;
        };
        assert_eq!(split_head(&again, MessageKind::Response), Ok((data, &[][..])));
        assert!(Response::parse(data, n ^ 1, &digest).is_err());
    }
}

/// `encoded` is what a result that was parsed from `data` is encoded to.
fn check_result(data: &[u8], encoded: Result<Vec<u8>, Error>) {
    let Ok(result) = encoded else { return };
    assert_eq!(result, data);
    let request = RequestDigest::new([1; 48]);
    let result = Zeroizing::new(result);
    let response = Response { n: 0, request, status: Status::DONE.number(), result, receipt: None, body: None };
    let Ok(bytes) = response.encode() else {
        return assert!(data.len() > MAX_HEAD - OVERHEAD, "a result that fits in a head is not encoded");
    };
    let (head, _) = split_head(&bytes, MessageKind::Response).expect("a response has a head");
    assert_eq!(Response::parse(head, 0, &request), Ok(response));
}
