//! Values chosen at random, the same ones for the same seed.

use moqtap_codec::kvp::{KeyValuePair, KvpValue};
use moqtap_codec::types::TrackNamespace;
use moqtap_codec::varint::{Moqt18, VarInt};

pub struct Dice {
    state: u64,
    /// The number of the draft.
    pub draft: u64,
}

/// The largest number of most fields: what every draft has, and room for a sum.
const MOST: u64 = (1 << 62) - 2;

impl Dice {
    pub fn new(draft: u64, seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ draft, draft }
    }
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }
    /// Of any length, at most `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let shift = self.below(64);
        let number = self.next() >> shift;
        if most == u64::MAX {
            number
        } else {
            number % (most + 1)
        }
    }
    pub fn int(&mut self) -> u64 {
        self.up_to(MOST)
    }
    pub fn varint(&self, number: u64) -> VarInt {
        if self.draft >= 17 {
            VarInt::from_u64_moqt(number)
        } else {
            VarInt::from_u64(number).expect("a number that has an encoding")
        }
    }
    pub fn number(&mut self) -> VarInt {
        let number = self.int();
        self.varint(number)
    }
    pub fn one_of(&mut self, numbers: &[u64]) -> u64 {
        numbers[self.below(numbers.len() as u64) as usize]
    }
    pub fn bytes(&mut self, fewest: u64, most: u64) -> Vec<u8> {
        let size = fewest + self.below(most - fewest + 1);
        (0..size).map(|_| self.next() as u8).collect()
    }
    pub fn text(&mut self, most: u64) -> Vec<u8> {
        let size = self.below(most + 1);
        (0..size).map(|_| b'a' + self.below(26) as u8).collect()
    }
    pub fn namespace(&mut self, fewest: u64) -> TrackNamespace {
        let fields = fewest + self.below(4);
        TrackNamespace((0..fields).map(|_| self.bytes(1, 9)).collect())
    }

    /// Integers one behind the other, in the encoding of the draft.
    pub fn written(&self, numbers: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        for number in numbers {
            if self.draft >= 17 {
                self.varint(*number).encode_moqt::<Moqt18>(&mut out);
            } else {
                self.varint(*number).encode(&mut out);
            }
        }
        out
    }

    fn namespace_bytes(&mut self) -> Vec<u8> {
        let fields = 1 + self.below(4);
        let mut out = self.written(&[fields]);
        for _ in 0..fields {
            let field = self.bytes(1, 9);
            out.extend(self.written(&[field.len() as u64]));
            out.extend(field);
        }
        out
    }
    fn token(&mut self, in_setup: bool) -> Vec<u8> {
        let alias_type = if in_setup { self.one_of(&[1, 3]) } else { self.below(4) };
        let (alias, kind) = (self.int(), self.int());
        let value = self.bytes(0, 20);
        let numbers = match alias_type {
            0 | 2 => vec![alias_type, alias],
            1 => vec![alias_type, alias, kind],
            _ => vec![alias_type, kind],
        };
        let mut out = self.written(&numbers);
        if alias_type % 2 == 1 {
            out.extend(value);
        }
        out
    }
    fn filter(&mut self) -> Vec<u8> {
        let (group, object, delta, last) = (self.below(1000), self.below(1000), self.below(1000), self.below(1000));
        let numbers = if self.draft >= 20 {
            match self.below(6) {
                0 => vec![0],
                1 => vec![1, self.below(1000)],
                2 => vec![2, group, object],
                3 => vec![3, group, object, delta],
                4 => vec![4, group, object, delta, last],
                _ => vec![5],
            }
        } else {
            // The end is a difference from draft 17 on (section 5.1.2).
            let end = if self.draft >= 17 { delta } else { group + delta };
            match self.below(4) {
                0 => vec![1],
                1 => vec![2],
                2 => vec![3, group, object],
                _ => vec![4, group, object, end],
            }
        };
        self.written(&numbers)
    }
    fn ranges(&mut self, with_property: bool, most: u64) -> Vec<u8> {
        let mut out = vec![self.below(256) as u8];
        if with_property {
            let property = 2 * self.below(1000);
            out.extend(self.written(&[property]));
        }
        let count = 1 + self.below(3);
        for each in 0..count {
            let numbers = [self.below(most), self.below(most)];
            // The last range may be open.
            let open = each + 1 == count && self.coin();
            out.extend(self.written(&numbers[..if open { 1 } else { 2 }]));
        }
        out
    }
    fn fill(&mut self) -> Vec<u8> {
        let chosen: Vec<u64> =
            [0x0A, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28].into_iter().filter(|_| self.below(3) == 0).collect();
        let mut out = self.written(&[chosen.len() as u64]);
        let mut before = 0;
        for key in chosen {
            out.extend(self.written(&[key - before]));
            before = key;
            match self.value(key) {
                KvpValue::Varint(number) if matches!(key, 0x20 | 0x22) => out.push(number.into_inner() as u8),
                KvpValue::Varint(number) => out.extend(self.written(&[number.into_inner()])),
                KvpValue::Bytes(bytes) => {
                    if key != 0x21 {
                        out.extend(self.written(&[bytes.len() as u64]));
                    }
                    out.extend(bytes);
                }
            }
        }
        out
    }

    /// A value of a message parameter, which means the same in every draft that has it.
    pub fn value(&mut self, key: u64) -> KvpValue {
        let number = match key {
            0x10 | 0x30 | 0x35 => self.below(2),
            0x22 => 1 + self.below(2),
            0x0E | 0x20 => self.below(256),
            0x02 => 1 + self.up_to(MOST - 1), // draft-16 has no delivery timeout of 0
            _ => self.int(),
        };
        match key {
            0x03 => KvpValue::Bytes(self.token(false)),
            0x09 => {
                let place = [self.int(), self.int()];
                KvpValue::Bytes(self.written(&place))
            }
            0x21 => KvpValue::Bytes(self.filter()),
            0x23 => KvpValue::Bytes(self.fill()),
            0x27 => KvpValue::Bytes(self.ranges(false, 40)), // priorities: at most 255
            0x25 | 0x26 => KvpValue::Bytes(self.ranges(false, 80)),
            0x28 | 0x29 => KvpValue::Bytes(self.ranges(true, 80)),
            0x34 => KvpValue::Bytes(self.namespace_bytes()),
            _ => KvpValue::Varint(self.varint(number)),
        }
    }
    pub fn pair(&self, key: u64, value: KvpValue) -> KeyValuePair {
        KeyValuePair { key: self.varint(key), value }
    }
    /// Of those parameters some, each with its value; AUTHORIZATION_TOKEN maybe twice.
    pub fn parameters(&mut self, keys: &[u64]) -> Vec<KeyValuePair> {
        let mut out = Vec::new();
        for &key in keys {
            if self.below(3) != 0 {
                continue;
            }
            for _ in 0..(if key == 0x03 { 1 + self.below(2) } else { 1 }) {
                let value = self.value(key);
                out.push(self.pair(key, value));
            }
        }
        out
    }
    pub fn setup_options(&mut self, keys: &[u64]) -> Vec<KeyValuePair> {
        let mut out = Vec::new();
        for &key in keys {
            if self.coin() {
                continue;
            }
            let value = match key {
                0x03 => KvpValue::Bytes(self.token(true)),
                _ if key % 2 == 1 => KvpValue::Bytes(self.text(20)),
                _ => KvpValue::Varint(self.number()),
            };
            out.push(self.pair(key, value));
        }
        out
    }
    /// Track Properties, those of the draft and unknown ones.
    pub fn properties(&mut self, keys: &[u64]) -> Vec<KeyValuePair> {
        let mut out = Vec::new();
        for &key in keys {
            if self.coin() {
                continue;
            }
            let value = match key {
                0x0B => KvpValue::Bytes(self.written(&[2, 5])),
                _ if key % 2 == 1 => KvpValue::Bytes(self.bytes(0, 9)),
                0x02 | 0x0E | 0x22 | 0x30 => self.value(key),
                _ => KvpValue::Varint(self.number()),
            };
            out.push(self.pair(key, value));
        }
        out
    }
    /// A block of object properties, without its length.
    pub fn block(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut before = 0;
        for key in [0x02, 0x3801, 0x3900] {
            if self.coin() {
                continue;
            }
            // Types are differences from draft 16 on (section 1.4.2).
            out.extend(self.written(&[if self.draft >= 16 { key - before } else { key }]));
            before = key;
            if key % 2 == 1 {
                let value = self.bytes(0, 9);
                out.extend(self.written(&[value.len() as u64]));
                out.extend(value);
            } else {
                let number = self.int();
                out.extend(self.written(&[number]));
            }
        }
        out
    }
}
