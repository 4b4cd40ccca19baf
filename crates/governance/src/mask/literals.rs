//! All that the automaton looks for, and what each literal may be the start of.

use super::Kind;
use super::Policy;
use super::form::Signs;
use super::keyed::Strength::{self, Assigned, Password, ShortPassword, Strong, Weak};
use super::named::Name;
use super::structure::Structure;
use super::tokens::{TOKENS, Token};

/// What a literal may be the start of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// A token with a documented prefix.
    Token(&'static Token),
    /// Something with a structure.
    Structure(Structure),
    /// A word that announces a secret.
    Keyword(Strength),
    /// The `@` of a mail address.
    Mail,
    /// The name of a personal datum that has no form of its own.
    Named(Name),
}

/// A literal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Literal {
    /// Its text; the automaton takes letters of either case for it.
    pub text: &'static str,
    /// Whether the case matters.
    pub is_exact: bool,
    /// What it may be the start of.
    pub action: Action,
}

/// Words that announce a secret. Those that are a part of another in the list need not stand there.
const KEYWORDS: &[(&str, Strength)] = &[
    ("password", Password),
    ("passwd", Password),
    ("passphrase", Password),
    ("passwort", Password),
    ("pwd", Password),
    ("pass", ShortPassword),
    ("secret", Strong),
    ("token", Strong),
    ("credential", Strong),
    ("apikey", Strong),
    ("api_key", Strong),
    ("api-key", Strong),
    ("api key", Strong),
    ("bearer", Strong),
    ("private", Strong),
    ("accountkey", Strong),
    ("accesskey", Strong),
    ("access_key", Strong),
    ("license_key", Strong),
    ("authkey", Strong),
    ("sonar.login", Strong),
    ("sonarlogin", Strong),
    ("unseal", Strong),
    ("telegram", Strong),
    ("discord", Strong),
    ("key", Weak),
    ("access", Weak),
    ("auth", Weak),
    ("_pat", Weak),
    ("licence", Weak),
    ("license", Weak),
    ("jsessionid", Assigned),
    ("sessid", Assigned),
    ("csrf", Assigned),
    ("xsrf", Assigned),
    ("cookie", Assigned),
    ("signature", Assigned),
    ("sig=", Assigned),
    ("reporter_id", Assigned),
    ("webhook", Assigned),
];

/// Starts of things with a structure.
const STRUCTURES: &[(&str, Structure)] = &[
    ("-----BEGIN ", Structure::Pem),
    ("LS0tLS1CRUdJTi", Structure::PemBase64),
    ("eyJ", Structure::Jwt),
    ("ewog", Structure::Jwt),
    ("://", Structure::Url),
    ("$1$", Structure::Hash),
    ("$2a$", Structure::Hash),
    ("$2b$", Structure::Hash),
    ("$2x$", Structure::Hash),
    ("$2y$", Structure::Hash),
    ("$5$", Structure::Hash),
    ("$6$", Structure::Hash),
    ("$7$", Structure::Hash),
    ("$8$", Structure::Hash),
    ("$9$", Structure::Hash),
    ("$y$", Structure::Hash),
    ("$apr1$", Structure::Hash),
    ("$argon2", Structure::Hash),
    ("$scrypt$", Structure::Hash),
    ("$pbkdf2", Structure::Hash),
    ("$krb5", Structure::Hash),
    ("$P$", Structure::Hash),
    ("{SSHA", Structure::Hash),
    ("pbkdf2_sha256$", Structure::Hash),
    (" -u ", Structure::User),
    (" -u", Structure::User),
    ("--user ", Structure::User),
    ("--user=", Structure::User),
    ("psexec", Structure::PsExec),
    ("PsExec", Structure::PsExec),
    ("PSEXEC", Structure::PsExec),
    ("Basic", Structure::Basic),
    ("hooks.slack.com/services/", Structure::Hook),
    ("hooks.slack.com/workflows/", Structure::Hook),
    ("hooks.slack.com/triggers/", Structure::Hook),
    ("discord.com/api/webhooks/", Structure::Hook),
    ("discordapp.com/api/webhooks/", Structure::Hook),
    ("hooks.zapier.com/hooks/catch/", Structure::Hook),
    ("webhook.office.com/webhookb2/", Structure::Hook),
    ("outlook.office.com/webhook/", Structure::Hook),
    ("api.telegram.org/bot", Structure::Hook),
    ("events.pagerduty.com/integration/", Structure::Hook),
    ("hooks.airtable.com/", Structure::Hook),
    ("hook.integromat.com/", Structure::Hook),
    ("maker.ifttt.com/trigger/", Structure::Hook),
    ("ingest.signalfx.com/", Structure::Hook),
];

const fn suffix(kind: &'static str, signs: Signs, before: usize, after: usize) -> Structure {
    Structure::Suffix { kind: Kind::secret(kind), front: signs, rest: signs, before, after }
}

/// A token of Telegram: the number of a bot, which has so many digits, and a random rest.
const fn telegram(digits: usize) -> Structure {
    Structure::Suffix {
        kind: Kind::secret("telegram-token"),
        front: Signs::Digits,
        rest: Signs::Word,
        before: digits,
        after: 32,
    }
}

/// Tokens that are known by their middle or their end.
const SUFFIXES: &[(&str, Structure)] = &[
    ("-us", suffix("mailchimp-key", Signs::Word, 32, 1)),
    ("NRAL", suffix("newrelic-key", Signs::Alnum, 36, 0)),
    (":AA", telegram(8)),
    (":AA", telegram(9)),
    (":AA", telegram(10)),
    ("JQQJ99", suffix("azure-token", Signs::Alnum, 52, 20)),
    ("AZDO", suffix("azure-devops-token", Signs::Alnum, 76, 4)),
    ("_mmk", suffix("maxmind-key", Signs::Word, 36, 0)),
    (".apps.googleusercontent.com", suffix("google-client-id", Signs::Word, 45, 0)),
    ("+ASt", suffix("azure-storage-key", Signs::Base64, 76, 4)),
    ("7Q~", suffix("azure-client-secret", Signs::Dotted, 3, 30)),
    ("8Q~", suffix("azure-client-secret", Signs::Dotted, 3, 30)),
    ("T3BlbkFJ", suffix("openai-key", Signs::Word, 23, 20)),
    (".atlasv1.", suffix("terraform-token", Signs::Dotted, 14, 60)),
];

/// All literals that a policy needs.
pub(crate) fn all(policy: Policy) -> Vec<Literal> {
    let exact = |text, action| Literal { text, is_exact: true, action };
    let mut literals = Vec::new();
    if policy.secrets {
        literals.extend(TOKENS.iter().map(|token| exact(token.prefix, Action::Token(token))));
        literals.extend(
            STRUCTURES.iter().chain(SUFFIXES).map(|(text, structure)| exact(text, Action::Structure(*structure))),
        );
        let keyword = |(text, strength): &(&'static str, Strength)| Literal {
            text,
            is_exact: false,
            action: Action::Keyword(*strength),
        };
        literals.extend(KEYWORDS.iter().map(keyword));
    }
    if policy.personal {
        literals.push(exact("@", Action::Mail));
        literals.extend(Name::ALL.iter().map(|(text, name)| Literal {
            text,
            is_exact: false,
            action: Action::Named(*name),
        }));
    }
    literals
}
