//! Text as tokens, in the vocabulary that a file brings along.

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{NFC, Prepend, Replace};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer, decoders,
    normalizers, pre_tokenizers,
};

use super::file::File;
use crate::Result;

/// How Llama 3 and Qwen 2 divide a text before they look for tokens; they differ in the digits that may stand together.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The mark that SentencePiece has in place of a space.
const SPACE: &str = "\u{2581}";

/// Tokens that end an answer in known chat formats, by their texts.
const ENDS: [&str; 6] = ["<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>", "</s>"];

/// What the file says of a token.
const CONTROL: i128 = 3;
const USER_DEFINED: i128 = 4;

/// The tokens of a model.
pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    size: usize,
    ends: Vec<u32>,
    /// The texts of tokens that steer the model.
    controls: Vec<String>,
    begin: Option<u32>,
    end: Option<u32>,
    begins: bool,
}

impl Vocabulary {
    /// The vocabulary of a file.
    ///
    /// # Errors
    /// [`Error::Gguf`](crate::Error::Gguf) for one that is missing, inconsistent or of an unknown kind.
    pub fn open(file: &File) -> Result<Self> {
        let tokens = file.texts("tokenizer.ggml.tokens").filter(|tokens| !tokens.is_empty());
        let tokens =
            tokens.ok_or_else(|| file.wrong("tokenizer.ggml.tokens is missing: the file has no vocabulary"))?;
        let pieces = file.text("tokenizer.ggml.model") == Some("llama");
        let tokenizer = match file.text("tokenizer.ggml.model") {
            Some("gpt2") => of_bytes(file, tokens),
            Some("llama") => of_pieces(file, tokens),
            other => Err(format!("the tokenizer {} is not known: known are gpt2 and llama", other.unwrap_or("(none)"))),
        };
        let mut tokenizer = tokenizer.map_err(|message| file.wrong(message))?;
        let kinds = file.wholes("tokenizer.ggml.token_type").unwrap_or_default();
        let of_kind = |kind: i128| {
            let those = kinds.iter().zip(tokens).filter(move |(found, _)| **found == kind);
            those.map(|(_, token)| token.clone()).filter(|token| !token.is_empty())
        };
        let controls: Vec<String> = of_kind(CONTROL).collect();
        let added = |token: String, special: bool| AddedToken::from(token, special).normalized(false);
        let wrong = |error: tokenizers::Error| file.wrong(format!("the vocabulary: {error}"));
        tokenizer.add_tokens(of_kind(USER_DEFINED).map(|token| added(token, false))).map_err(wrong)?;
        tokenizer.add_special_tokens(controls.iter().map(|token| added(token.clone(), true))).map_err(wrong)?;

        let id = |key: &str| file.count(key).filter(|id| *id < tokens.len()).map(|id| id as u32);
        let end = id("tokenizer.ggml.eos_token_id");
        let of_turn = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"].map(id);
        let known = controls.iter().filter(|token| ENDS.contains(&token.as_str()));
        let known = known.filter_map(|token| tokenizer.token_to_id(token));
        let ends: Vec<u32> = end.into_iter().chain(of_turn.into_iter().flatten()).chain(known).collect();
        Ok(Self {
            size: tokens.len(),
            ends,
            begin: id("tokenizer.ggml.bos_token_id"),
            end,
            begins: file.truth("tokenizer.ggml.add_bos_token").unwrap_or(pieces),
            controls,
            tokenizer,
        })
    }

    /// How many tokens there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The text without the tokens that steer a model, which only a chat template may write.
    pub fn plain(&self, text: &str) -> String {
        let mut plain = text.to_owned();
        // What is left may make up one anew.
        while let Some(control) = self.controls.iter().find(|control| plain.contains(control.as_str())) {
            plain = plain.replace(control.as_str(), "");
        }
        plain
    }

    /// The text of the token that begins a conversation; empty if there is none.
    pub fn begin(&self) -> String {
        self.begin.and_then(|id| self.tokenizer.id_to_token(id)).unwrap_or_default()
    }

    /// The text of the token that ends one; empty if there is none.
    pub fn end(&self) -> String {
        self.end.and_then(|id| self.tokenizer.id_to_token(id)).unwrap_or_default()
    }

    /// The tokens of a whole conversation.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub fn encode(&self, text: &str) -> std::result::Result<Vec<u32>, String> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| error.to_string())?;
        let mut tokens = encoding.get_ids().to_vec();
        if let Some(begin) = self.begin.filter(|begin| self.begins && tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        Ok(tokens)
    }

    /// Whether a token ends the answer.
    pub fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Turns tokens into text, one by one: the function says what each adds.
    pub fn writer(&self) -> impl FnMut(u32) -> std::result::Result<String, String> + '_ {
        let mut stream = self.tokenizer.decode_stream(true);
        move |token| stream.step(token).map(Option::unwrap_or_default).map_err(|error| error.to_string())
    }
}

type Built = std::result::Result<Tokenizer, String>;

fn ids(tokens: &[String]) -> impl Iterator<Item = (String, u32)> + '_ {
    tokens.iter().zip(0..).map(|(token, id)| (token.clone(), id))
}

/// Byte-pair encoding of bytes (Radford and others, 2019).
fn of_bytes(file: &File, tokens: &[String]) -> Built {
    let merges = file.texts("tokenizer.ggml.merges").ok_or("tokenizer.ggml.merges is missing")?;
    let merges: Option<Merges> = merges
        .iter()
        .map(|merge| merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())))
        .collect();
    let merges = merges.ok_or("tokenizer.ggml.merges holds an entry that is no pair")?;
    let kind = file.text("tokenizer.ggml.pre").unwrap_or("default");
    let whole = matches!(kind, "llama-bpe" | "llama3" | "llama-v3");
    let model = BPE::builder().vocab_and_merges(ids(tokens).collect::<Vocab>(), merges).ignore_merges(whole);
    let mut tokenizer = Tokenizer::new(model.build().map_err(|error| error.to_string())?);
    let split = |pattern: &str| {
        let pattern = SplitPattern::Regex(pattern.to_owned());
        Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(|error| error.to_string())
    };
    let bytes = |words: bool| PreTokenizerWrapper::from(ByteLevel::new(false, true, words));
    let steps: Vec<PreTokenizerWrapper> = match kind {
        "default" | "gpt-2" | "gpt2" => vec![bytes(true)],
        "smollm" | "starcoder" | "refact" | "command-r" => vec![Digits::new(true).into(), bytes(true)],
        "llama-bpe" | "llama3" | "llama-v3" => vec![split(LLAMA3)?.into(), bytes(false)],
        "qwen2" => vec![split(QWEN2)?.into(), bytes(false)],
        other => return Err(format!("tokenizer.ggml.pre is {other}, which is not known")),
    };
    if kind == "qwen2" {
        tokenizer.with_normalizer(Some(NFC)).map_err(|error| error.to_string())?;
    }
    tokenizer.with_pre_tokenizer(Some(pre_tokenizers::sequence::Sequence::new(steps)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    Ok(tokenizer)
}

/// SentencePiece's byte-pair encoding (Kudo and Richardson, 2018): the pair whose union has the highest score is merged first.
fn of_pieces(file: &File, tokens: &[String]) -> Built {
    let scores = file.reals("tokenizer.ggml.scores").filter(|scores| scores.len() == tokens.len());
    let scores = scores.ok_or("tokenizer.ggml.scores is missing, or not as long as the vocabulary")?;
    let vocabulary: Vocab = ids(tokens).collect();
    let mut merges: Vec<(f64, u32, u32)> = Vec::new();
    for (token, score) in tokens.iter().zip(scores) {
        for (at, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(at);
            if let (Some(left), Some(right)) = (vocabulary.get(left), vocabulary.get(right)) {
                merges.push((*score, *left, *right));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let text = |id: u32| tokens[id as usize].clone();
    let merges: Merges = merges.into_iter().map(|(_, left, right)| (text(left), text(right))).collect();
    let mut model = BPE::builder().vocab_and_merges(vocabulary, merges).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = file.count("tokenizer.ggml.unknown_token_id").and_then(|id| tokens.get(id)) {
        model = model.unk_token(unknown.clone());
    }
    let mut tokenizer = Tokenizer::new(model.build().map_err(|error| error.to_string())?);
    let prefixed = file.truth("tokenizer.ggml.add_space_prefix").unwrap_or(true);
    let replace = |from: &str, to: &str| Replace::new(from, to).map_err(|error| error.to_string());
    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    if prefixed {
        normalizers.push(Prepend::new(SPACE.to_owned()).into());
    }
    normalizers.push(replace(" ", SPACE)?.into());
    let mut decoders: Vec<DecoderWrapper> = vec![
        replace(SPACE, " ")?.into(),
        decoders::byte_fallback::ByteFallback::new().into(),
        decoders::fuse::Fuse::new().into(),
    ];
    if prefixed {
        decoders.push(decoders::strip::Strip::new(' ', 1, 0).into());
    }
    let normalizer = normalizers::Sequence::new(normalizers);
    tokenizer.with_normalizer(Some(normalizer)).map_err(|error| error.to_string())?;
    tokenizer.with_decoder(Some(decoders::sequence::Sequence::new(decoders)));
    Ok(tokenizer)
}
