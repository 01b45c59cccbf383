//! A graph in the making.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::DType;

use super::proto;
use crate::{Error, Result};

/// The version of the operators that are used: the first with layer normalisation.
pub const OPSET: i64 = 17;

/// What flows from a node to others.
#[derive(Clone, Debug)]
pub struct Value(String);

/// A setting of a node.
#[derive(Clone, Debug)]
pub enum Setting {
    Int(i64),
    Ints(Vec<i64>),
    Float(f64),
}

/// Integers as a setting.
pub fn ints(values: &[usize]) -> Setting {
    Setting::Ints(values.iter().map(|&value| value as i64).collect())
}

/// A graph in the making: nodes in the order of computation, and the weights that they use.
#[derive(Debug)]
pub struct Graph<'a> {
    parameters: &'a BTreeMap<String, candle_core::Tensor>,
    nodes: Vec<proto::Node>,
    initializers: Vec<proto::Tensor>,
    taken: BTreeSet<String>,
    valid: bool,
}

/// The inputs that every graph has, and that some have.
const SIGNALS: &str = "signals";
const VALID: &str = "valid";

impl<'a> Graph<'a> {
    /// An empty graph over the parameters of a network.
    pub fn new(parameters: &'a BTreeMap<String, candle_core::Tensor>) -> Self {
        Self { parameters, nodes: Vec::new(), initializers: Vec::new(), taken: BTreeSet::new(), valid: false }
    }

    /// The input `[batch, leads, samples]`.
    pub fn signals(&self) -> Value {
        Value(SIGNALS.to_owned())
    }

    /// The input `[batch]` of how many samples are not padding, which a graph has if this is called.
    pub fn valid(&mut self) -> Value {
        self.valid = true;
        Value(VALID.to_owned())
    }

    /// The shape of a parameter.
    pub fn shape(&self, name: &str) -> Result<&'a [usize]> {
        Ok(self.find(name)?.dims())
    }

    /// A parameter under its own name.
    pub fn parameter(&mut self, name: &str) -> Result<Value> {
        if self.taken.insert(name.to_owned()) {
            let tensor = self.find(name)?;
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            let raw_data = values.into_iter().flat_map(f32::to_le_bytes).collect();
            self.initialize(name, tensor.dims(), proto::FLOAT, raw_data);
        }
        Ok(Value(name.to_owned()))
    }

    /// A constant number.
    pub fn float(&mut self, value: f64) -> Value {
        let value = value as f32;
        self.constant(format!("float.{value:e}"), &[], proto::FLOAT, value.to_le_bytes().to_vec())
    }

    /// So many ones.
    pub fn ones(&mut self, count: usize) -> Value {
        let raw_data = std::iter::repeat_n(1f32.to_le_bytes(), count).flatten().collect();
        self.constant(format!("ones.{count}"), &[count], proto::FLOAT, raw_data)
    }

    /// Constant integers.
    pub fn integers(&mut self, values: &[i64]) -> Value {
        let list: Vec<String> = values.iter().map(i64::to_string).collect();
        self.constant(format!("int.{}", list.join(".")), &[values.len()], proto::INT64, bytes(values.iter().copied()))
    }

    /// The integers from 0 on, so many.
    pub fn range(&mut self, count: usize) -> Value {
        self.constant(format!("range.{count}"), &[count], proto::INT64, bytes(0..count as i64))
    }

    /// A node of one output.
    pub fn node(&mut self, kind: &str, inputs: &[&Value], settings: &[(&str, Setting)]) -> Value {
        let name = format!("{}_{}", kind.to_lowercase(), self.nodes.len());
        self.push(kind, inputs, settings, vec![name.clone()]);
        Value(name)
    }

    /// Parts of these lengths along `axis`.
    pub fn split<const N: usize>(&mut self, x: &Value, axis: i64, lengths: [usize; N]) -> [Value; N] {
        let lengths = self.integers(&lengths.map(|length| length as i64));
        let index = self.nodes.len();
        let names: [String; N] = std::array::from_fn(|part| format!("split_{index}_{part}"));
        self.push("Split", &[x, &lengths], &[("axis", Setting::Int(axis))], names.to_vec());
        names.map(Value)
    }

    /// Gives a value the name that the graph's output has.
    pub fn output(&mut self, x: &Value, name: &str) {
        self.push("Identity", &[x], &[], vec![name.to_owned()]);
    }

    /// The graph, with its inputs for recordings of so many leads and samples and `outputs` of the given widths.
    pub fn finish(self, name: &str, leads: usize, samples: usize, outputs: &[(&str, usize, &str)]) -> proto::Graph {
        let mut input = vec![info(
            SIGNALS,
            proto::FLOAT,
            &[leads, samples],
            "recordings prepared by the input contract, [batch, leads, samples]",
        )];
        if self.valid {
            input.push(info(VALID, proto::INT64, &[], "how many samples of each recording are not padding, [batch]"));
        }
        let output = outputs.iter().map(|(name, width, what)| info(name, proto::FLOAT, &[*width], what)).collect();
        proto::Graph { node: self.nodes, name: name.to_owned(), initializer: self.initializers, input, output }
    }

    fn find(&self, name: &str) -> Result<&'a candle_core::Tensor> {
        self.parameters.get(name).ok_or_else(|| Error::MissingParameter { name: name.to_owned() })
    }

    fn constant(&mut self, name: String, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> Value {
        if self.taken.insert(name.clone()) {
            self.initialize(&name, shape, data_type, raw_data);
        }
        Value(name)
    }

    fn initialize(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) {
        let dims = shape.iter().map(|&length| length as i64).collect();
        self.initializers.push(proto::Tensor { dims, data_type, name: name.to_owned(), raw_data });
    }

    fn push(&mut self, kind: &str, inputs: &[&Value], settings: &[(&str, Setting)], output: Vec<String>) {
        let attribute = settings.iter().map(|(name, setting)| attribute(name, setting)).collect();
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            name: output[0].clone(),
            output,
            op_type: kind.to_owned(),
            attribute,
        });
    }
}

fn bytes(values: impl Iterator<Item = i64>) -> Vec<u8> {
    values.flat_map(i64::to_le_bytes).collect()
}

fn attribute(name: &str, setting: &Setting) -> proto::Attribute {
    let base = proto::Attribute { name: name.to_owned(), ..proto::Attribute::default() };
    match setting {
        Setting::Float(value) => proto::Attribute { f: Some(*value as f32), kind: 1, ..base },
        Setting::Int(value) => proto::Attribute { i: Some(*value), kind: 2, ..base },
        Setting::Ints(values) => proto::Attribute { ints: values.clone(), kind: 7, ..base },
    }
}

/// A value of any number of recordings.
fn info(name: &str, elem_type: i32, shape: &[usize], what: &str) -> proto::ValueInfo {
    let batch = proto::Dimension { dim_param: Some("batch".to_owned()), dim_value: None };
    let rest = shape.iter().map(|&length| proto::Dimension { dim_value: Some(length as i64), dim_param: None });
    let shape = proto::Shape { dim: std::iter::once(batch).chain(rest).collect() };
    let tensor_type = proto::TensorType { elem_type, shape: Some(shape) };
    proto::ValueInfo {
        name: name.to_owned(),
        r#type: Some(proto::Type { tensor_type: Some(tensor_type) }),
        doc_string: what.to_owned(),
    }
}
