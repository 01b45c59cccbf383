//! The networks: Llama's (Touvron and others, 2023) and Gemma 3's (Gemma Team, 2025).

use std::collections::HashSet;

use super::attention::{Memory, View};
use super::file::File;
use super::maths::{Gate, add, each_row, normalise, open};
use super::matrix::{Matrix, Rows};
use crate::Result;

/// Tokens that are read together.
const TOGETHER: usize = 256;
/// Beyond these, a file lies: no known model comes near.
const MOST_LAYERS: usize = 512;
const WIDEST: usize = 1 << 18;
const LONGEST: usize = 1 << 24;
/// Of Gemma 3's layers, every sixth sees all tokens, the others those of a window.
const GEMMA_PATTERN: usize = 6;
/// The base of the angles in Gemma 3's layers with a window.
const GEMMA_LOCAL_BASE: f64 = 10_000.0;
/// The layers of Gemma 3 27B, which alone scales its queries by its width over its heads.
const GEMMA_27B_LAYERS: usize = 62;

/// A family of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Llama,
    Gemma3,
}

/// A network that reads tokens and says what may come next.
pub(super) struct Network {
    family: Family,
    width: usize,
    heads: usize,
    key_heads: usize,
    head_width: usize,
    epsilon: f32,
    context: usize,
    embeddings: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// The embeddings if none.
    output: Option<Matrix>,
    /// The angles by which one position turns pairs of numbers: in layers that see all, and in those with a window.
    turns: [Vec<f64>; 2],
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Matrix,
    key: Matrix,
    value: Matrix,
    /// Of queries and of keys, head by head.
    head_norms: Option<[Vec<f32>; 2]>,
    attention_output: Matrix,
    post_attention_norm: Option<Vec<f32>>,
    feed_norm: Vec<f32>,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
    post_feed_norm: Option<Vec<f32>>,
    view: View,
}

/// What a network remembers of the tokens that it has read.
#[derive(Clone)]
pub(super) struct Thread {
    layers: Vec<Memory>,
    tokens: Vec<u32>,
}

/// Reads weights and takes note of those that were read.
struct Source<'a> {
    file: &'a File,
    read: HashSet<String>,
}

impl Source<'_> {
    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Matrix> {
        self.read.insert(name.to_owned());
        Ok(Matrix::new(&self.file.tensor(name, rows, columns)?))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>> {
        self.read.insert(name.to_owned());
        self.file.vector(name, length)
    }
}

impl Network {
    /// The network of a file, with `vocabulary` tokens.
    pub fn open(file: &File, vocabulary: usize) -> Result<Self> {
        let name = file.text("general.architecture").ok_or_else(|| file.wrong("general.architecture is missing"))?;
        let family = match name {
            "llama" => Family::Llama,
            "gemma3" => Family::Gemma3,
            _ => return Err(file.wrong(format!("the architecture is {name}: known are llama and gemma3"))),
        };
        let key = |key: &str| format!("{name}.{key}");
        let width = file.need_count(&key("embedding_length"), WIDEST)?;
        let heads = file.need_count(&key("attention.head_count"), WIDEST)?;
        let key_heads = file.count(&key("attention.head_count_kv")).unwrap_or(heads);
        let head_width = file.count(&key("attention.key_length")).unwrap_or(width / heads);
        let count = file.need_count(&key("block_count"), MOST_LAYERS)?;
        let hidden = file.need_count(&key("feed_forward_length"), WIDEST)?;
        let epsilon = file.real(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-5);
        let possible =
            (1..=heads).contains(&key_heads) && heads.is_multiple_of(key_heads) && key_heads * head_width <= WIDEST;
        if !possible || head_width == 0 || !head_width.is_multiple_of(2) || heads * head_width > WIDEST {
            let shape = format!("{heads} heads of {head_width} numbers over {key_heads} heads of keys");
            return Err(file.wrong(format!("attention with {shape} is impossible")));
        }
        if file.count(&key("attention.value_length")).is_some_and(|length| length != head_width) {
            return Err(file.wrong("keys and values of different lengths are not known"));
        }
        let mut source = Source { file, read: HashSet::new() };
        let turns = turns(&mut source, family, name, head_width)?;
        let scale = match family {
            Family::Gemma3 if count == GEMMA_27B_LAYERS => (width / heads) as f32,
            _ => head_width as f32,
        };
        let window = match family {
            Family::Llama => None,
            Family::Gemma3 => Some(file.need_count(&key("attention.sliding_window"), LONGEST)?),
        };
        let mut network = Self {
            family,
            width,
            heads,
            key_heads,
            head_width,
            epsilon: epsilon as f32,
            context: file.need_count(&key("context_length"), LONGEST)?,
            embeddings: source.matrix("token_embd.weight", vocabulary, width)?,
            layers: Vec::new(),
            norm: source.vector("output_norm.weight", width)?,
            output: None,
            turns,
        };
        if file.has("output.weight") {
            network.output = Some(source.matrix("output.weight", vocabulary, width)?);
        }
        for index in 0..count {
            let window = window.filter(|_| !(index + 1).is_multiple_of(GEMMA_PATTERN));
            let view = View { scale: 1.0 / scale.sqrt(), window };
            network.layers.push(network.layer(&mut source, index, hidden, view)?);
        }
        if let Some(unread) = file.names().filter(|name| !source.read.contains(*name)).min() {
            return Err(
                file.wrong(format!("the tensor {unread} is not known in {name}: this kind of it cannot be run"))
            );
        }
        Ok(network)
    }

    fn layer(&self, source: &mut Source<'_>, index: usize, hidden: usize, view: View) -> Result<Layer> {
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let (width, all, keys) = (self.width, self.heads * self.head_width, self.key_heads * self.head_width);
        let gemma = self.family == Family::Gemma3;
        let mut if_gemma = |part: &str, length: usize| -> Result<Option<Vec<f32>>> {
            if gemma { source.vector(&name(part), length).map(Some) } else { Ok(None) }
        };
        let head_norms = if_gemma("attn_q_norm", self.head_width)?.zip(if_gemma("attn_k_norm", self.head_width)?);
        let post_attention_norm = if_gemma("post_attention_norm", width)?;
        let post_feed_norm = if_gemma("post_ffw_norm", width)?;
        Ok(Layer {
            attention_norm: source.vector(&name("attn_norm"), width)?,
            query: source.matrix(&name("attn_q"), all, width)?,
            key: source.matrix(&name("attn_k"), keys, width)?,
            value: source.matrix(&name("attn_v"), keys, width)?,
            head_norms: head_norms.map(|(queries, keys)| [queries, keys]),
            attention_output: source.matrix(&name("attn_output"), width, all)?,
            post_attention_norm,
            feed_norm: source.vector(&name("ffn_norm"), width)?,
            gate: source.matrix(&name("ffn_gate"), hidden, width)?,
            up: source.matrix(&name("ffn_up"), hidden, width)?,
            down: source.matrix(&name("ffn_down"), width, hidden)?,
            post_feed_norm,
            view,
        })
    }

    /// The longest text that it was made for, in tokens.
    pub fn context(&self) -> usize {
        self.context
    }

    /// A thread that has read nothing.
    pub fn thread(&self) -> Thread {
        let memory = Memory::new(self.key_heads, self.head_width);
        Thread { layers: vec![memory; self.layers.len()], tokens: Vec::new() }
    }

    /// Reads `tokens` on top of what the thread holds, and says how likely each token is to come next, `[vocabulary]`, as logits.
    ///
    /// `go_on` is asked between parts of a long text; if it says no, there is no answer.
    pub fn read(&self, thread: &mut Thread, tokens: &[u32], go_on: impl Fn() -> bool) -> Option<Vec<f32>> {
        let mut last = Vec::new();
        for part in tokens.chunks(TOGETHER) {
            if !go_on() {
                return None;
            }
            last = self.read_part(thread, part);
        }
        let mut last = last.split_off(last.len().saturating_sub(self.width));
        normalise(&mut last, &self.norm, self.epsilon);
        Some(self.output.as_ref().unwrap_or(&self.embeddings).product(&Rows::new(&last, self.width)))
    }

    /// What the last layer makes of `tokens`, `[tokens, width]`.
    fn read_part(&self, thread: &mut Thread, tokens: &[u32]) -> Vec<f32> {
        let first = thread.tokens.len();
        let turns = self.turns.each_ref().map(|turns| Turns::new(turns, first, tokens.len()));
        let mut state: Vec<f32> = tokens.iter().flat_map(|token| self.embeddings.row(*token as usize)).collect();
        if self.family == Family::Gemma3 {
            let scale = (self.width as f32).sqrt();
            state.iter_mut().for_each(|value| *value *= scale);
        }
        for (layer, memory) in self.layers.iter().zip(&mut thread.layers) {
            let turns = &turns[usize::from(layer.view.window.is_some())];
            let seen = self.attention(layer, memory, &state, turns);
            add(&mut state, &seen, self.width);
            let fed = self.feed(layer, &state);
            add(&mut state, &fed, self.width);
        }
        thread.tokens.extend_from_slice(tokens);
        state
    }

    fn attention(&self, layer: &Layer, memory: &mut Memory, state: &[f32], turns: &Turns) -> Vec<f32> {
        let input = Rows::new(&self.normalised(state, &layer.attention_norm), self.width);
        let (mut queries, (mut keys, values)) = rayon::join(
            || layer.query.product(&input),
            || rayon::join(|| layer.key.product(&input), || layer.value.product(&input)),
        );
        for (which, (heads, count)) in [(&mut queries, self.heads), (&mut keys, self.key_heads)].into_iter().enumerate()
        {
            each_row(
                heads,
                count * self.head_width,
                #[inline(always)]
                |row, heads| {
                    if let Some(norms) = &layer.head_norms {
                        normalise(heads, &norms[which], self.epsilon);
                    }
                    turns.turn(row, heads, self.head_width, self.family);
                },
            );
        }
        memory.push(&keys, &values);
        let seen = memory.attend(&queries, self.heads, layer.view);
        let output = layer.attention_output.product(&Rows::new(&seen, self.heads * self.head_width));
        self.post_normalised(output, layer.post_attention_norm.as_deref())
    }

    fn feed(&self, layer: &Layer, state: &[f32]) -> Vec<f32> {
        let input = Rows::new(&self.normalised(state, &layer.feed_norm), self.width);
        let (mut gates, values) = rayon::join(|| layer.gate.product(&input), || layer.up.product(&input));
        let hidden = gates.len() / (state.len() / self.width);
        let gate = if self.family == Family::Gemma3 { Gate::Gelu } else { Gate::Silu };
        each_row(
            &mut gates,
            hidden,
            #[inline(always)]
            |row, gates| open(gate, gates, &values[row * hidden..]),
        );
        let output = layer.down.product(&Rows::new(&gates, hidden));
        self.post_normalised(output, layer.post_feed_norm.as_deref())
    }

    fn normalised(&self, state: &[f32], weights: &[f32]) -> Vec<f32> {
        self.post_normalised(state.to_vec(), Some(weights))
    }

    fn post_normalised(&self, mut state: Vec<f32>, weights: Option<&[f32]>) -> Vec<f32> {
        if let Some(weights) = weights {
            each_row(
                &mut state,
                self.width,
                #[inline(always)]
                |_, row| normalise(row, weights, self.epsilon),
            );
        }
        state
    }
}

impl Thread {
    /// Forgets what does not begin as `tokens` do, and says how many of them it still holds; never all, so that there is one to read.
    pub fn keep(&mut self, tokens: &[u32]) -> usize {
        let common = self.tokens.iter().zip(tokens).take_while(|(held, token)| held == token).count();
        let common = common.min(tokens.len().saturating_sub(1));
        self.tokens.truncate(common);
        self.layers.iter_mut().for_each(|memory| memory.truncate(common));
        common
    }
}

/// The sines and cosines of some positions (Su and others, "RoFormer", 2021).
struct Turns {
    pairs: usize,
    sines: Vec<f32>,
    cosines: Vec<f32>,
}

impl Turns {
    fn new(turns: &[f64], first: usize, count: usize) -> Self {
        let angles = (first..first + count).flat_map(|position| turns.iter().map(move |turn| position as f64 * turn));
        let (sines, cosines) = angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
        Self { pairs: turns.len(), sines, cosines }
    }

    /// Turns each head of the token `row`. A pair are neighbours in Llama's files, and half a head apart in Gemma's.
    #[inline(always)]
    fn turn(&self, row: usize, heads: &mut [f32], width: usize, family: Family) {
        let part = row * self.pairs..(row + 1) * self.pairs;
        let (sines, cosines) = (&self.sines[part.clone()], &self.cosines[part]);
        for head in heads.chunks_exact_mut(width) {
            for (pair, (sine, cosine)) in sines.iter().zip(cosines).enumerate() {
                let (a, b) = match family {
                    Family::Llama => (2 * pair, 2 * pair + 1),
                    Family::Gemma3 => (pair, pair + self.pairs),
                };
                let (x, y) = (head[a], head[b]);
                (head[a], head[b]) = (x * cosine - y * sine, x * sine + y * cosine);
            }
        }
    }
}

/// The angles by which one position turns each pair, in layers that see all tokens and in those with a window.
fn turns(source: &mut Source<'_>, family: Family, name: &str, head_width: usize) -> Result<[Vec<f64>; 2]> {
    let file = source.file;
    let key = |key: &str| format!("{name}.{key}");
    let turned = file.count(&key("rope.dimension_count")).unwrap_or(head_width);
    if turned == 0 || !turned.is_multiple_of(2) || turned > head_width {
        return Err(file.wrong(format!("{} is {turned}, of heads of {head_width}", key("rope.dimension_count"))));
    }
    let factor = match file.text(&key("rope.scaling.type")) {
        None | Some("none") if family == Family::Llama => 1.0,
        None | Some("linear") => file.real(&key("rope.scaling.factor")).unwrap_or(1.0),
        Some("none") => 1.0,
        Some(other) => return Err(file.wrong(format!("{} is {other}, which is not known", key("rope.scaling.type")))),
    };
    let turns = |base: f64, factor: f64| -> Vec<f64> {
        let power = |pair: usize| base.powf(-2.0 * pair as f64 / turned as f64);
        (0..turned / 2).map(|pair| power(pair) / factor).collect()
    };
    let default = if family == Family::Gemma3 { 1e6 } else { 1e4 };
    let mut all = turns(file.real(&key("rope.freq_base")).unwrap_or(default), factor);
    if file.has("rope_freqs.weight") {
        let factors = source.vector("rope_freqs.weight", turned / 2)?;
        all.iter_mut().zip(factors).for_each(|(turn, factor)| *turn /= f64::from(factor));
    }
    Ok([all, turns(GEMMA_LOCAL_BASE, 1.0)])
}
