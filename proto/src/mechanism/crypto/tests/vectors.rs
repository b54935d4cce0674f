//! What others have published: RFC 7748, NaCl's and Wycheproof's vectors, and keys of low order.
//!
//! The trait gives no bare product of X25519 but the key that NaCl derives from it, so that HSalsa20 is written here once more,
//! after its specification and for clarity alone; NaCl's own vector says that it is right.

use super::*;

/// X25519 (RFC 7748, section 6.1), whose keys NaCl's tests use too.
const ALICE: [&str; 2] = [
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
];
const BOB: [&str; 2] = [
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
];
/// Their product, and what NaCl makes of it (tests/scalarmult5.c, tests/core1.c).
const PRODUCT: &str = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
const SHARED: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
/// NaCl's `crypto_box` and `crypto_secretbox` with it (tests/box.c, tests/secretbox.c): nonce, plaintext, tag and ciphertext.
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const PLAIN: &str = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
const TAG: &str = "f3ffc7703f9400e52a7dfb4b3d3305d9";
const SEALED: &str = "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";

/// Scalar, coordinate and product (RFC 7748, section 5.2); the second coordinate has a bit that is to be ignored.
const RFC_7748: [[&str; 3]; 2] = [
    [
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ],
    [
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ],
];
/// The base point's coordinate times itself, the first of that section's iterations.
const NINE_TIMES_NINE: &str = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";

/// Wycheproof's X25519 tests; the file says where they come from.
const WYCHEPROOF: &str = include_str!("../vectors/x25519_wycheproof.txt");

/// Public keys of low order (libsodium's list, both with and without the top bit).
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// HSalsa20 of `key` and sixteen zeros, after section 2 of its specification: Salsa20's twenty rounds, without the last addition.
fn hsalsa20(key: [u8; 32]) -> [u8; 32] {
    let word = |at: usize| u32::from_le_bytes(key[4 * at..][..4].try_into().expect("four bytes"));
    let sigma = *b"expand 32-byte k";
    let constant = |at: usize| u32::from_le_bytes(sigma[4 * at..][..4].try_into().expect("four bytes"));
    let mut x = [0; 16];
    (0..4).for_each(|n| (x[5 * n], x[1 + n], x[11 + n]) = (constant(n), word(n), word(4 + n)));
    const QUARTERS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [5, 9, 13, 1],
        [10, 14, 2, 6],
        [15, 3, 7, 11],
        [0, 1, 2, 3],
        [5, 6, 7, 4],
        [10, 11, 8, 9],
        [15, 12, 13, 14],
    ];
    for [a, b, c, d] in [QUARTERS; 10].concat() {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    }
    let out: Vec<u8> = [0, 5, 10, 15, 6, 7, 8, 9].into_iter().flat_map(|n| x[n].to_le_bytes()).collect();
    out.try_into().expect("eight words")
}

#[test]
fn the_key_derivation_written_here_is_nacls() {
    assert_eq!(hsalsa20(array(PRODUCT)), array(SHARED));
}

#[test]
fn nacls_box_comes_out() {
    for (name, crypto) in PROVIDERS {
        let [alice, bob] = [ALICE, BOB].map(|[secret, _]| SecretKey::new(array(secret)));
        let publics: [[u8; KEY_LEN]; 2] = [ALICE, BOB].map(|[_, public]| array(public));
        assert_eq!([&alice, &bob].map(|secret| crypto.public_key(secret)), publics, "{name}");
        let key = crypto.shared_key(&publics[1], &alice).expect("a good key");
        assert_eq!(key, SecretKey::new(array(SHARED)), "{name}");
        assert_eq!(crypto.shared_key(&publics[0], &bob), Some(key.clone()), "{name}");

        let mut data = hex(PLAIN);
        assert_eq!(crypto.seal(&mut data, &array(NONCE), &key).to_vec(), hex(TAG), "{name}");
        assert_eq!(data, hex(SEALED), "{name}");
        let mut out = vec![0; data.len()];
        assert!(crypto.open_into(&data, &mut out, &array(TAG), &array(NONCE), &key), "{name}");
        assert_eq!(out, hex(PLAIN), "{name}");
        assert!(crypto.open(&mut data, &array(TAG), &array(NONCE), &key), "{name}");
        assert_eq!(data, hex(PLAIN), "{name}");
    }
}

#[test]
fn rfc_7748_comes_out() {
    for (name, crypto) in PROVIDERS {
        for [scalar, coordinate, product] in RFC_7748 {
            let shared = crypto.shared_key(&array(coordinate), &SecretKey::new(array(scalar)));
            assert_eq!(shared, Some(SecretKey::new(hsalsa20(array(product)))), "{name}");
        }
        let mut nine = [0; KEY_LEN];
        nine[0] = 9;
        assert_eq!(crypto.public_key(&SecretKey::new(nine)), array(NINE_TIMES_NINE), "{name}");
    }
}

/// T17: twists, edge cases, keys that are not canonical; those of low order, whose product is zero, are refused.
#[test]
fn wycheproofs_tests_come_out() {
    let mut count = 0;
    for line in WYCHEPROOF.lines().filter(|line| !line.starts_with('#')) {
        let [number, public, secret, product] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let product: [u8; KEY_LEN] = array(product);
        let expected = (product != [0; KEY_LEN]).then(|| SecretKey::new(hsalsa20(product)));
        for (name, crypto) in PROVIDERS {
            let shared = crypto.shared_key(&array(public), &SecretKey::new(array(secret)));
            assert_eq!(shared, expected, "{name}, test {number}");
        }
        count += 1;
    }
    assert_eq!(count, 518);
}

#[test]
fn keys_of_low_order_are_shared_with_nobody() {
    let secret = SecretKey::new(array(ALICE[0]));
    for (name, crypto) in PROVIDERS {
        for key in LOW_ORDER {
            let mut public: [u8; KEY_LEN] = array(key);
            assert_eq!(crypto.shared_key(&public, &secret), None, "{name}");
            public[31] |= 0x80;
            assert_eq!(crypto.shared_key(&public, &secret), None, "{name}");
        }
    }
}

#[test]
fn no_changed_bit_opens_and_nothing_is_written_then() {
    let key = SecretKey::new([3; KEY_LEN]);
    let nonce = [5; NONCE_LEN];
    for (name, crypto) in PROVIDERS {
        let mut data = *b"attack at dawn";
        let tag = crypto.seal(&mut data, &nonce, &key);
        for bit in 0..8 * (TAG_LEN + data.len()) {
            let (mut tag, mut changed) = (tag, data);
            match bit / 8 {
                byte @ 0..TAG_LEN => tag[byte] ^= 1 << (bit % 8),
                byte => changed[byte - TAG_LEN] ^= 1 << (bit % 8),
            }
            let before = changed;
            let mut out = [9; 14];
            assert!(!crypto.open_into(&changed, &mut out, &tag, &nonce, &key), "{name}");
            assert!(!crypto.open(&mut changed, &tag, &nonce, &key), "{name}");
            assert_eq!((changed, out), (before, [9; 14]), "{name}");
        }
        assert!(!crypto.open_into(&data, &mut [0; 13], &tag, &nonce, &key), "{name}");
    }
}
