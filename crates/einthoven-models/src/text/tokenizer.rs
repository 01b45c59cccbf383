use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::{TokenBatch, word_piece};
use crate::{Error, Result};

/// The special tokens of a vocabulary trained here, in the order of their ids.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Turns texts into the token ids of a BERT and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    pad: u32,
    cls: u32,
    sep: u32,
}

impl Tokenizer {
    /// Loads `path`: a `tokenizer.json`, a WordPiece `vocab.txt`, or a folder that holds one of them.
    ///
    /// With a `vocab.txt`, the `tokenizer_config.json` beside it says whether text is lower-cased (yes if absent).
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::Read`], [`Error::Tokenizer`] for a file that does not parse and
    /// [`Error::Vocabulary`] for one that is not a BERT's.
    pub fn load(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let (json, vocabulary) = (path.join("tokenizer.json"), path.join("vocab.txt"));
            return if json.is_file() {
                Self::load(&json)
            } else if vocabulary.is_file() {
                Self::load(&vocabulary)
            } else {
                Err(Error::MissingFile { folder: path.to_path_buf(), wanted: vec!["tokenizer.json", "vocab.txt"] })
            };
        }
        let origin = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = String::from_utf8(bytes)
                .map_err(|source| Error::Tokenizer { origin: origin.clone(), source: source.into() })?;
            let pieces = text.lines().map(str::to_owned).collect();
            return Self::from_pieces(pieces, lowercase_beside(path)?, origin);
        }
        let inner = tokenizers::Tokenizer::from_bytes(&bytes)
            .map_err(|source| Error::Tokenizer { origin: origin.clone(), source })?;
        Self::new(inner, origin)
    }

    /// Trains a lower-cased WordPiece vocabulary of at most `vocabulary_size` pieces on `captions`.
    ///
    /// The same captions give the same vocabulary, byte for byte. `[PAD]` is 0, `[UNK]` 1, `[CLS]` 2, `[SEP]` 3,
    /// `[MASK]` 4; the letters, digits and punctuation of ASCII are always in it, so that words never seen in
    /// training can still be spelt.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if `vocabulary_size` does not hold the single characters.
    pub fn train_word_piece(captions: &[String], vocabulary_size: usize) -> Result<Self> {
        let origin = "trained on captions".to_owned();
        let normalizer = BertNormalizer::default();
        let mut words: BTreeMap<String, u64> = BTreeMap::new();
        for caption in captions {
            for word in split_words(caption, &normalizer)
                .map_err(|source| Error::Tokenizer { origin: origin.clone(), source })?
            {
                *words.entry(word).or_default() += 1;
            }
        }
        let pieces = word_piece::train(&words, &SPECIAL, vocabulary_size);
        if pieces.len() > vocabulary_size {
            return Err(Error::Vocabulary {
                origin,
                message: format!(
                    "single characters and special tokens alone are {}, more than the {vocabulary_size} pieces allowed",
                    pieces.len()
                ),
            });
        }
        Self::from_pieces(pieces, true, origin)
    }

    /// Writes the `tokenizer.json`, replacing an older one only when the new one is complete.
    ///
    /// # Errors
    /// [`Error::Write`] if the folder cannot be written to or the disk is full.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = self.to_json()?;
        let write = || {
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|source| Error::Write { path: path.to_path_buf(), source })
    }

    /// The text of the `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the library cannot express it.
    pub fn to_json(&self) -> Result<String> {
        self.inner.to_string(true).map_err(|source| Error::Tokenizer { origin: "as JSON".to_owned(), source })
    }

    /// Encodes `texts` as `[CLS] … [SEP]`, cut to `max_len` tokens (the `[SEP]` stays).
    ///
    /// # Errors
    /// [`Error::Input`] if there is no text or `max_len` is less than 2.
    pub fn encode_batch(&self, texts: &[String], max_len: usize) -> Result<TokenBatch> {
        if texts.is_empty() {
            return Err(Error::input("texts", "there is none to encode"));
        }
        if max_len < 2 {
            return Err(Error::input("max_len", format!("{max_len} tokens do not hold [CLS] and [SEP]")));
        }
        let inputs: Vec<&str> = texts.iter().map(String::as_str).collect();
        let encodings = self
            .inner
            .encode_batch_fast(inputs, true)
            .map_err(|source| Error::Tokenizer { origin: "encoding".to_owned(), source })?;
        let rows: Vec<Vec<u32>> = encodings
            .iter()
            .map(|encoding| {
                let mut ids = encoding.get_ids().to_vec();
                if ids.len() > max_len {
                    ids.truncate(max_len - 1);
                    ids.push(self.sep);
                }
                ids
            })
            .collect();
        TokenBatch::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// `[CLS]` and the tokens of `text`, without the closing `[SEP]`: what caption generation starts from.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the library fails.
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .inner
            .encode(text, false)
            .map_err(|source| Error::Tokenizer { origin: "encoding".to_owned(), source })?;
        Ok(std::iter::once(self.cls).chain(encoding.get_ids().iter().copied()).collect())
    }

    /// The text of `ids`, special tokens left out.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the library fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|source| Error::Tokenizer { origin: "decoding".to_owned(), source })
    }

    /// How many ids there are.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab(true).values().max().map_or(0, |&id| id as usize + 1)
    }

    /// The id of the padding token.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// The id of the token that opens a text.
    pub fn cls(&self) -> u32 {
        self.cls
    }

    /// The id of the token that closes a text.
    pub fn sep(&self) -> u32 {
        self.sep
    }

    fn from_pieces(pieces: Vec<String>, lowercase: bool, origin: String) -> Result<Self> {
        let id = |token: &str| {
            pieces
                .iter()
                .position(|piece| piece == token)
                .map(|id| (token.to_owned(), id as u32))
                .ok_or_else(|| missing(token, &origin))
        };
        let (sep, cls) = (id("[SEP]")?, id("[CLS]")?);
        let special: Vec<AddedToken> = SPECIAL
            .iter()
            .filter(|token| pieces.iter().any(|piece| piece == *token))
            .map(|token| AddedToken::from(*token, true))
            .collect();
        let vocabulary: serde_json::Map<String, serde_json::Value> =
            pieces.iter().cloned().zip((0u32..).map(serde_json::Value::from)).collect();
        let failed = |source| Error::Tokenizer { origin: origin.clone(), source };
        let model = serde_json::json!({
            "type": "WordPiece",
            "vocab": vocabulary,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": word_piece::CONTINUATION,
            "max_input_chars_per_word": 100,
        });
        let model: WordPiece = serde_json::from_str(&model.to_string()).map_err(|source| failed(source.into()))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner
            .with_normalizer(Some(BertNormalizer::new(true, true, None, lowercase)))
            .map_err(failed)?
            .with_pre_tokenizer(Some(BertPreTokenizer))
            .with_post_processor(Some(BertProcessing::new(sep, cls)))
            .with_decoder(Some(WordPieceDecoder::default()));
        inner.add_special_tokens(special).map_err(failed)?;
        Self::new(inner, origin)
    }

    fn new(mut inner: tokenizers::Tokenizer, origin: String) -> Result<Self> {
        let id = |inner: &tokenizers::Tokenizer, token: &str| {
            inner.token_to_id(token).ok_or_else(|| missing(token, &origin))
        };
        let pad = id(&inner, "[PAD]")?;
        let cls = id(&inner, "[CLS]")?;
        let sep = id(&inner, "[SEP]")?;
        // Cutting and padding are this type's, whatever the file says.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|source| Error::Tokenizer { origin: origin.clone(), source })?;
        let empty = inner.encode("", true).map_err(|source| Error::Tokenizer { origin: origin.clone(), source })?;
        if empty.get_ids() != [cls, sep] {
            return Err(Error::Vocabulary {
                origin,
                message: "does not wrap a text in [CLS] and [SEP]; a BERT tokenizer is needed".to_owned(),
            });
        }
        Ok(Self { inner, pad, cls, sep })
    }
}

fn missing(token: &str, origin: &str) -> Error {
    Error::Vocabulary {
        origin: origin.to_owned(),
        message: format!("has no token {token}; a BERT tokenizer is needed"),
    }
}

fn split_words(
    text: &str,
    normalizer: &BertNormalizer,
) -> std::result::Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut normalized = NormalizedString::from(text);
    normalizer.normalize(&mut normalized)?;
    let mut split = PreTokenizedString::from(normalized);
    BertPreTokenizer.pre_tokenize(&mut split)?;
    let words = split.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    Ok(words.into_iter().map(|(word, _, _)| word.to_owned()).collect())
}

/// What the `tokenizer_config.json` beside a vocabulary says about lower case.
fn lowercase_beside(vocabulary: &Path) -> Result<bool> {
    let path = vocabulary.with_file_name("tokenizer_config.json");
    if !path.is_file() {
        return Ok(true);
    }
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let config: serde_json::Value = serde_json::from_str(&text).map_err(|source| Error::Json { path, source })?;
    Ok(config.get("do_lower_case").and_then(serde_json::Value::as_bool).unwrap_or(true))
}
