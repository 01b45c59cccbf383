//! The index: words and meaning searched together.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::chunk::{self, Chunk};
use super::figures;
use super::names::Names;
use super::vectors::Vectors;
use super::words::Words;
use super::{Embedder, EmbeddingServer, Reranker, SentenceEncoder, document, folder};
use crate::{Error, KnowledgeBase, Result};

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, "Reciprocal rank fusion", 2009).
const RANK_CONSTANT: f64 = 60.0;
/// What a rank by meaning counts beside one by words. Small encoders of general language know little of ECGs: alone, MiniLM has the right page
/// among the first three for 74 % of the questions in `tests/questions.jsonl`, words for 97 %.
const MEANING: f64 = 0.125;
/// The section whose words are those of other pages.
const MIMICS: &str = "Mimics";
/// What a rank by the words of whole pages counts beside one by those of a single section: questions that describe take a word from each.
const WHOLE_PAGES: f64 = 3.0;
/// What a rank by leads counts beside one by words.
const LEADS: f64 = 0.5;
/// What the score of a page is multiplied by whose numbers admit those of the question.
const ADMITTED: f64 = 1.2;
/// The same for a page whose numbers exclude them.
const EXCLUDED: f64 = 0.8;
/// How many chunks of each ranking are fused.
const DEPTH: usize = 100;
/// How many chunks a cross-encoder reads.
const RERANKED: usize = 30;
/// Chunks that are encoded between two reports of progress.
const STEP: usize = 64;

/// What encodes the chunks of an index, and the questions put to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EncoderConfig {
    /// A model folder, for [`SentenceEncoder`].
    Folder {
        /// Where it lies.
        path: PathBuf,
    },
    /// An OpenAI-compatible server, for [`EmbeddingServer`].
    Server {
        /// The address, such as `http://localhost:8080/v1`.
        url: String,
        /// The model's name there.
        model: String,
    },
}

impl EncoderConfig {
    /// Opens the encoder.
    ///
    /// # Errors
    /// Those of [`SentenceEncoder::open`] and [`EmbeddingServer::new`].
    pub fn open(&self) -> Result<Box<dyn Embedder>> {
        Ok(match self {
            Self::Folder { path } => Box::new(SentenceEncoder::open(path)?),
            Self::Server { url, model } => Box::new(EmbeddingServer::new(url, model)?),
        })
    }
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The page's slug, or the file name of a document.
    pub page: String,
    /// The heading above it; empty if there is none.
    pub section: String,
    /// The text.
    pub text: String,
    /// How well it fits: comparable within one search only.
    pub score: f64,
}

/// What a search compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Words, by BM25.
    Words,
    /// Meaning, by the vectors of an encoder.
    Meaning,
    /// Both, fused by reciprocal rank.
    Fusion,
}

/// What [`Index::build`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Built {
    /// Chunks in the index.
    pub chunks: usize,
    /// Chunks that were encoded.
    pub encoded: usize,
    /// Chunks whose vectors were in the folder before.
    pub kept: usize,
    /// Pages of PDF files that hold no text, as in a scan.
    pub blank: usize,
}

/// Passages of knowledge pages and documents, found by words and, with an encoder, by meaning.
pub struct Index {
    chunks: Vec<Chunk>,
    /// The page of each chunk, counted from 0 in the order of the chunks.
    page_of: Vec<usize>,
    words: Words,
    /// The words of whole pages: a question may take one from each section.
    pages: Words,
    names: Names,
    figures: figures::Pages,
    dense: Option<(Vectors, Box<dyn Embedder>)>,
}

impl Index {
    /// The pages of a knowledge base, found by words: nothing is written, encoded or downloaded.
    pub fn of_pages(base: &KnowledgeBase) -> Self {
        Self::new(base.pages().flat_map(chunk::of_page).collect(), None)
    }

    fn new(chunks: Vec<Chunk>, dense: Option<(Vectors, Box<dyn Embedder>)>) -> Self {
        let searched: Vec<String> = chunks.iter().map(Chunk::searched).collect();
        let mut page_of: Vec<usize> = Vec::with_capacity(chunks.len());
        let mut texts: Vec<String> = Vec::new();
        let mut names = Names::default();
        let mut described: Vec<String> = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            if index == 0 || chunks[index - 1].page != chunk.page {
                names.add(&chunk.title, texts.len());
                texts.push(chunk.title.clone());
                described.push(String::new());
            }
            if chunk.section != MIMICS {
                for text in texts.last_mut().into_iter().chain(described.last_mut()) {
                    text.push_str(". ");
                    text.push_str(&chunk.text);
                }
            }
            page_of.push(texts.len() - 1);
        }
        let words = Words::new(searched.iter().map(String::as_str));
        let pages = Words::new(texts.iter().map(String::as_str));
        let mut figures = figures::Pages::default();
        described.iter().for_each(|text| figures.add(text));
        Self { words, pages, names, figures, page_of, chunks, dense }
    }

    /// Opens the index of a folder, and the encoder that it was made with.
    ///
    /// # Errors
    /// [`Error::NoIndex`], [`Error::Read`], [`Error::Index`] for one that is damaged or of another version or encoder, and those of
    /// [`EncoderConfig::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let contents = folder::read(path.as_ref())?;
        let dense = match (contents.manifest.vectors, contents.vectors) {
            (Some(dense), Some(vectors)) => {
                let embedder = dense.encoder.open()?;
                if embedder.identity() != dense.identity {
                    let message =
                        format!("made with the encoder {}, which is now {}", dense.identity, embedder.identity());
                    return Err(Error::Index { path: path.as_ref().to_owned(), message });
                }
                Some((vectors, embedder))
            }
            _ => None,
        };
        Ok(Self::new(contents.chunks, dense))
    }

    /// Makes or renews the index of a folder: the pages of `base`, and the texts of files and folders of documents.
    ///
    /// Chunks that the folder holds already, by their hash and with the same encoder, are not encoded again. The index that was there before stays
    /// valid until the new one is whole. `progress` is told how many of the new chunks are encoded, of how many.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Read`], [`Error::Embedder`] and [`Error::WriteIndex`].
    pub fn build(
        path: impl AsRef<Path>,
        base: &KnowledgeBase,
        documents: &[PathBuf],
        encoder: Option<&EncoderConfig>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Built> {
        let path = path.as_ref();
        let mut chunks: Vec<Chunk> = base.pages().flat_map(chunk::of_page).collect();
        let mut blank = 0;
        for document in documents {
            let (found, pages) = document::chunks(document)?;
            chunks.extend(found);
            blank += pages;
        }
        let _lock = folder::lock(path)?;
        let Some(config) = encoder else {
            folder::write(path, &chunks, None)?;
            return Ok(Built { chunks: chunks.len(), blank, ..Built::default() });
        };
        let embedder = config.open()?;
        // An index that cannot be read is made anew.
        let mut known = folder::read(path).map(|old| rows(&old, embedder.identity())).unwrap_or_default();
        known.retain(|_, row| row.iter().any(|value| *value != 0.0));
        let hashes: Vec<String> = chunks.iter().map(Chunk::hash).collect();
        let new: Vec<usize> = (0..chunks.len()).filter(|&index| !known.contains_key(&hashes[index])).collect();
        let mut encoded = 0;
        for step in new.chunks(STEP) {
            let texts: Vec<String> = step.iter().map(|&index| chunks[index].encoded()).collect();
            let vectors = embedder.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
            known.extend(step.iter().map(|&index| hashes[index].clone()).zip(vectors));
            encoded += step.len();
            progress(encoded, new.len());
        }
        let values: Vec<f32> = hashes.iter().flat_map(|hash| known.get(hash).into_iter().flatten()).copied().collect();
        let dimension = hashes.first().and_then(|hash| known.get(hash)).map_or(0, Vec::len);
        let vectors = Vectors::new(dimension, values)?;
        folder::write(path, &chunks, Some((&vectors, config.clone(), embedder.identity())))?;
        Ok(Built { chunks: chunks.len(), encoded, kept: chunks.len() - encoded, blank })
    }

    /// Whether the index has vectors, and can be searched by meaning.
    pub fn has_vectors(&self) -> bool {
        self.dense.is_some()
    }

    /// The `k` passages that fit the question best, the best first: by words and meaning, or by words alone if the index has no vectors.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn search(&self, question: &str, k: usize) -> Result<Vec<Hit>> {
        self.search_by(self.method(), question, k)
    }

    /// [`search`](Self::search), with the first passages put in the order in which a cross-encoder has them, and with its scores.
    ///
    /// # Errors
    /// Those of the encoder and of the cross-encoder.
    pub fn search_reranked(&self, reranker: &Reranker, question: &str, k: usize) -> Result<Vec<Hit>> {
        let ranked = self.ranked(self.method(), question, RERANKED.max(k))?;
        let texts: Vec<String> = ranked.iter().map(|&(index, _)| self.chunks[index].encoded()).collect();
        let scores = reranker.scores(question, &texts.iter().map(String::as_str).collect::<Vec<_>>())?;
        let mut judged: Vec<(usize, f64)> =
            ranked.iter().zip(scores).map(|(&(index, _), score)| (index, f64::from(score))).collect();
        judged.sort_by(|a, b| b.1.total_cmp(&a.1));
        judged.truncate(k);
        Ok(self.passages(judged))
    }

    /// The method that uses all there is.
    fn method(&self) -> Method {
        if self.has_vectors() { Method::Fusion } else { Method::Words }
    }

    /// [`search`](Self::search) by one method; without vectors, meaning finds nothing.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn search_by(&self, method: Method, question: &str, k: usize) -> Result<Vec<Hit>> {
        Ok(self.passages(self.ranked(method, question, k)?))
    }

    /// The `k` chunks that fit the question best, the best first, with their scores.
    fn ranked(&self, method: Method, question: &str, k: usize) -> Result<Vec<(usize, f64)>> {
        let depth = DEPTH.max(k);
        let mut chunks = Vec::new();
        let mut pages = Vec::new();
        let (mut admitted, mut excluded) = (Vec::new(), Vec::new());
        if method != Method::Meaning {
            let asked = self.names.spelt_out(question);
            let ranking = self.words.search(&asked, depth);
            pages.push((1.0, self.pages_of(&ranking)));
            pages.push((WHOLE_PAGES, self.pages.search(&asked, depth)));
            pages.push((1.0, self.names.named(question)));
            pages.push((LEADS, self.figures.by_leads(question)));
            (admitted, excluded) = self.figures.by_numbers(question);
            chunks.push((1.0, ranking));
        }
        if method != Method::Words {
            let ranking = self.by_meaning(question, depth)?;
            pages.push((MEANING, self.pages_of(&ranking)));
            chunks.push((MEANING, ranking));
        }
        // A passage stands for itself and for its page.
        let (chunks, pages) = (fuse(&chunks), fuse(&pages));
        let of_page = |index: usize| pages.get(&self.page_of[index]).copied().unwrap_or_default();
        let by_numbers = |index: usize| {
            let page = &self.page_of[index];
            match (admitted.contains(page), excluded.contains(page)) {
                (true, _) => ADMITTED,
                (_, true) => EXCLUDED,
                _ => 1.0,
            }
        };
        let mut found: Vec<(usize, f64)> =
            chunks.into_iter().map(|(index, score)| (index, (score + of_page(index)) * by_numbers(index))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(k);
        Ok(found)
    }

    fn passages(&self, found: Vec<(usize, f64)>) -> Vec<Hit> {
        let passage = |(index, score): (usize, f64)| {
            let Chunk { page, section, text, .. } = self.chunks[index].clone();
            Hit { page, section, text, score }
        };
        found.into_iter().map(passage).collect()
    }

    /// The pages of chunks, each at the place of its first.
    fn pages_of(&self, ranking: &[usize]) -> Vec<usize> {
        let mut pages = Vec::new();
        let told = ranking.iter().filter(|&&index| self.chunks[index].section != MIMICS);
        for page in told.map(|&index| self.page_of[index]) {
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
        pages
    }

    fn by_meaning(&self, question: &str, k: usize) -> Result<Vec<usize>> {
        let Some((vectors, embedder)) = &self.dense else { return Ok(Vec::new()) };
        let query = embedder.embed(&[question])?.pop().unwrap_or_default();
        Ok(vectors.nearest(&query, k).into_iter().map(|(index, _)| index).collect())
    }
}

/// The vectors of an index by the hash of their chunk, if they are of this encoder.
fn rows(old: &folder::Contents, identity: &str) -> HashMap<String, Vec<f32>> {
    let is_same = old.manifest.vectors.as_ref().is_some_and(|dense| dense.identity == identity);
    let vectors = old.vectors.as_ref().filter(|_| is_same);
    let row = |vectors: &Vectors| {
        let rows = old.chunks.iter().enumerate().map(|(index, chunk)| (chunk.hash(), vectors.row(index).to_vec()));
        rows.collect()
    };
    vectors.map(row).unwrap_or_default()
}

/// Reciprocal rank fusion: what the rankings, each with its weight, give what they rank.
fn fuse(rankings: &[(f64, Vec<usize>)]) -> BTreeMap<usize, f64> {
    let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
    for (weight, ranking) in rankings {
        for (rank, &index) in ranking.iter().enumerate() {
            *scores.entry(index).or_default() += weight / (RANK_CONSTANT + rank as f64 + 1.0);
        }
    }
    scores
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("chunks", &self.chunks.len())
            .field("has_vectors", &self.has_vectors())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_rankings_agree_on_comes_first() {
        let fused = fuse(&[(1.0, vec![4, 2, 9]), (1.0, vec![2, 7])]);
        assert!(fused[&2] > fused[&4] && fused[&4] > fused[&7] && fused[&7] > fused[&9]);
    }
}
