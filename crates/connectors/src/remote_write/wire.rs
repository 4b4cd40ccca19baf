//! The protobuf wire format, field by field. Knows no messages.

/// A message is not protobuf, or not the message that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("series {series} (counted from one): {what}")]
pub struct Malformed {
    /// At which series; zero before the first.
    pub series: u64,
    /// What is wrong.
    pub what: &'static str,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Fixed(u64),
    Short(u32),
    Bytes(&'a [u8]),
}

pub(crate) const CUT: &str = "the message ends in the middle of a field";
pub(crate) const TYPE: &str = "a field has another type than in this message";

/// Walks over the fields of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    all: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { all: message, rest: message }
    }

    /// How many bytes were read.
    #[inline]
    pub(crate) fn place(&self) -> usize {
        self.all.len() - self.rest.len()
    }

    /// The next field and its number; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, &'static str> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Fixed(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| CUT)?)?)
            }
            5 => Value::Short(u32::from_le_bytes(self.array()?)),
            _ => return Err("a field has a type that protobuf 3 does not know"),
        };
        Ok(Some((tag >> 3, value)))
    }

    /// A number of seven bits a byte, the lowest first.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64, &'static str> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, &'static str> {
        let mut number = 0;
        for (place, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.rest = self.rest.get(place + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(if self.rest.len() < 10 { CUT } else { "a number is longer than ten bytes" })
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(CUT)?;
        self.rest = rest;
        Ok(*taken)
    }
}

impl<'a> Value<'a> {
    #[inline]
    pub(crate) fn number(self) -> Result<u64, &'static str> {
        if let Self::Number(number) = self { Ok(number) } else { Err(TYPE) }
    }

    #[inline]
    pub(crate) fn double(self) -> Result<f64, &'static str> {
        if let Self::Fixed(bits) = self { Ok(f64::from_bits(bits)) } else { Err(TYPE) }
    }

    #[inline]
    pub(crate) fn bytes(self) -> Result<&'a [u8], &'static str> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(TYPE) }
    }

    /// Each number of a repeated field, whether packed or not.
    pub(crate) fn numbers(self, mut take: impl FnMut(u64)) -> Result<(), &'static str> {
        match self {
            Self::Number(number) => take(number),
            Self::Bytes(packed) => {
                let mut packed = Fields::of(packed);
                while !packed.rest.is_empty() {
                    take(packed.number()?);
                }
            }
            _ => return Err(TYPE),
        }
        Ok(())
    }

    /// Each double of a repeated field, likewise.
    pub(crate) fn doubles(self, mut take: impl FnMut(f64)) -> Result<(), &'static str> {
        match self {
            Self::Fixed(bits) => take(f64::from_bits(bits)),
            Self::Bytes(packed) => {
                let (doubles, rest) = packed.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(CUT);
                }
                doubles.iter().for_each(|bytes| take(f64::from_le_bytes(*bytes)));
            }
            _ => return Err(TYPE),
        }
        Ok(())
    }
}

/// A zigzag number as a signed one.
pub(crate) fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}
