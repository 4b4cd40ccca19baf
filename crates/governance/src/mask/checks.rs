//! Check digits.

/// The value of each digit in a text; other signs are left out.
pub(crate) fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> {
    text.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'))
}

/// Luhn's check (ISO/IEC 7812): every second digit from the right counts twice.
pub(crate) fn luhn(text: &str) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits(text).rev().enumerate().map(|(at, digit)| if at % 2 == 1 { double(digit) } else { digit }).sum();
    sum.is_multiple_of(10)
}

/// The check of an IBAN (ISO 13616): the first four signs moved to the end, letters as numbers from ten, modulo 97 one.
pub(crate) fn iban(compact: &str) -> bool {
    let (Some(front), Some(rest)) = (compact.get(..4), compact.get(4..)) else { return false };
    let step = |rest: u32, byte: u8| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => 0,
    };
    rest.bytes().chain(front.bytes()).fold(0, step) == 1
}

/// The check of a British NHS number: weights from ten down, modulo eleven.
pub(crate) fn nhs(text: &str) -> bool {
    let sum: u32 = digits(text).zip((1..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    digits(text).count() == 10 && sum.is_multiple_of(11)
}

/// The check of a US National Provider Identifier: Luhn's with 80840 before it.
pub(crate) fn npi(text: &str) -> bool {
    digits(text).count() == 10 && luhn(&format!("80840{text}"))
}

/// The two check digits of a Brazilian CPF: weights down to two, modulo eleven.
pub(crate) fn cpf(text: &str) -> bool {
    let all: Vec<u32> = digits(text).collect();
    let check = |count: usize| {
        let weights = (2..).take(count).collect::<Vec<u32>>().into_iter().rev();
        let sum: u32 = all.iter().take(count).zip(weights).map(|(digit, weight)| digit * weight).sum();
        sum * 10 % 11 % 10
    };
    all.len() == 11 && all.get(9) == Some(&check(9)) && all.get(10) == Some(&check(10))
}

/// Whether a US Social Security number can have been given: no area 000, 666 or from 900 on, no group 00, no serial 0000.
pub(crate) fn ssn(text: &str) -> bool {
    let number = digits(text).fold(0, |number, digit| number * 10 + digit);
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    !matches!(area, 0 | 666 | 900..) && group > 0 && serial > 0
}

/// How many signs an IBAN has, by country (SWIFT's registry).
pub(crate) fn iban_length(country: &str) -> Option<usize> {
    const LENGTHS: &[(usize, &str)] = &[
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH HR LI LV"),
        (22, "BG BH CR DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU"),
        (31, "MT SC"),
        (33, "RU"),
    ];
    LENGTHS.iter().find(|(_, countries)| countries.split(' ').any(|known| known == country)).map(|(length, _)| *length)
}
