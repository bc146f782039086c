//! Another codec of every draft, moqtap-codec, for tools/compare_codecs.py.
//!
//! Without arguments: reads lines "DRAFT KIND HEX" and answers each with one line, "ok AGAIN JSON" or "no REASON". JSON
//! is what the bytes say, AGAIN the bytes that moqtap makes of that, in hex, or "-" where there are several ways.
//!
//! make DRAFT SEED COUNT: prints so many lines "DRAFT KIND HEX JSON", chosen at random.
//!
//! A KIND is control, subgroup, fetch, descending (a fetch in descending order) or datagram.

mod dice;
mod messages;
mod reading;
mod streams;
mod text;

use std::io::{self, BufRead, Write as _};

use dice::Dice;
use moqtap_codec::version::DraftVersion;
use text::{hex, told, unhex};

fn draft_of(number: &str) -> Option<DraftVersion> {
    match number {
        "15" => Some(DraftVersion::Draft15),
        "16" => Some(DraftVersion::Draft16),
        "18" => Some(DraftVersion::Draft18),
        "22" => Some(DraftVersion::Draft22),
        _ => None,
    }
}

fn answer(line: &str) -> Result<String, String> {
    let mut words = line.split(' ');
    let (Some(draft), Some(kind), Some(bytes)) = (words.next(), words.next(), words.next()) else {
        return Err("not DRAFT KIND HEX".into());
    };
    let draft = draft_of(draft).ok_or("unknown draft")?;
    let reading = reading::read(draft, kind, &unhex(bytes).ok_or("not hex")?)?;
    Ok(format!("{} {}", reading.again.as_deref().unwrap_or("-"), reading.says))
}

/// Of one kind, with its bytes. What moqtap itself does not read back is a fault of this program.
fn made(dice: &mut Dice) -> Result<(&'static str, Vec<u8>), String> {
    match dice.below(6) {
        0 => Ok(("subgroup", streams::subgroup(dice)?)),
        1 => Ok(("datagram", streams::datagram(dice)?)),
        2 => {
            let descending = dice.coin();
            Ok((if descending { "descending" } else { "fetch" }, streams::fetch(dice, descending)?))
        }
        _ => {
            let mut out = Vec::new();
            let message = messages::message(dice);
            told(message.encode(&mut out)).map_err(|error| format!("{error} of {message:?}"))?;
            Ok(("control", out))
        }
    }
}

fn make(number: &str, seed: u64, count: u64) -> Result<(), String> {
    let draft = draft_of(number).ok_or("unknown draft")?;
    let mut dice = Dice::new(told(number.parse())?, seed);
    let mut out = io::stdout().lock();
    for _ in 0..count {
        let (kind, bytes) = made(&mut dice)?;
        let reading = reading::read(draft, kind, &bytes).map_err(|error| format!("{kind} {}: {error}", hex(&bytes)))?;
        told(writeln!(out, "{number} {kind} {} {}", hex(&bytes), reading.says))?;
    }
    Ok(())
}

fn answer_lines() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        match answer(&line?) {
            Ok(text) => writeln!(out, "ok {text}")?,
            Err(reason) => writeln!(out, "no {reason}")?,
        }
        out.flush()?;
    }
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => told(answer_lines()),
        ["make", draft, seed, count] => match (seed.parse(), count.parse()) {
            (Ok(seed), Ok(count)) => make(draft, seed, count),
            _ => Err("SEED and COUNT are numbers".into()),
        },
        _ => Err("usage: moqtap-peer [make DRAFT SEED COUNT]".into()),
    };
    if let Err(error) = done {
        eprintln!("moqtap-peer: {error}");
        std::process::exit(1);
    }
}
