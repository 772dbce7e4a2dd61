// A checkpoint in the shapes of a published EoMT, with numbers made on the spot.

/** Returns shapes by name, as in Hugging Face's EoMT. // table */
function shapes({ width, depth, side, queries, labels, registers, blocks }) {
  const linear = (name, from, to) => [[`${name}.weight`, [to, from]], [`${name}.bias`, [to]]];
  const norm = (name) => [[`${name}.weight`, [width]], [`${name}.bias`, [width]]];
  const layer = (index) => {
    const name = `layers.${index}`;
    return [
      ...["q", "k", "v", "out"].flatMap((part) => linear(`${name}.attention.${part}_proj`, width, width)),
      ...[1, 2].map((part) => [`${name}.layer_scale${part}.lambda1`, [width]]),
      ...linear(`${name}.mlp.fc1`, width, 4 * width),
      ...linear(`${name}.mlp.fc2`, 4 * width, width),
      ...norm(`${name}.norm1`),
      ...norm(`${name}.norm2`),
    ];
  };
  const upscale = (index) => {
    const name = `upscale_block.block.${index}`;
    return [
      [`${name}.conv1.weight`, [width, width, 2, 2]],
      [`${name}.conv1.bias`, [width]],
      [`${name}.conv2.weight`, [width, 1, 3, 3]],
      ...norm(`${name}.layernorm2d`),
    ];
  };
  return [
    ["attn_mask_probs", [blocks]],
    ["criterion.empty_weight", [labels + 1]],
    ...linear("class_predictor", width, labels + 1),
    ["embeddings.cls_token", [1, 1, width]],
    ["embeddings.patch_embeddings.projection.weight", [width, 3, 16, 16]],
    ["embeddings.patch_embeddings.projection.bias", [width]],
    ["embeddings.position_embeddings.weight", [(side / 16) ** 2, width]],
    ["embeddings.register_tokens", [1, registers, width]],
    ...norm("layernorm"),
    ...Array.from({ length: depth }, (_, index) => layer(index)).flat(),
    ...[1, 2, 3].flatMap((part) => linear(`mask_head.fc${part}`, width, width)),
    ["query.weight", [queries, width]],
    ...[0, 1].flatMap(upscale),
  ];
}

/** Returns a safetensors file of a header and the bytes that it describes. */
function safetensors(table, bytes) {
  const text = JSON.stringify(table);
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes]);
}

/** Returns the config of EoMT-S at 640 pixels with COCO's panoptic labels, except for `changes`. */
export function eomt(changes = {}) {
  const size = { width: 384, heads: 6, depth: 12, side: 640, queries: 200, labels: 133, registers: 4, blocks: 3, ...changes };
  const table = {};
  let end = 0;
  for (const [name, shape] of shapes(size)) {
    const start = end;
    end += 4 * shape.reduce((product, axis) => product * axis, 1);
    table[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const numbers = new Float32Array(end / 4);
  for (let at = 0, seed = 1; at < numbers.length; at++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    numbers[at] = seed * 2 ** -35;
  }
  const config = {
    model_type: "eomt",
    hidden_size: size.width,
    num_hidden_layers: size.depth,
    num_attention_heads: size.heads,
    image_size: size.side,
    patch_size: 16,
    num_queries: size.queries,
    num_register_tokens: size.registers,
    num_blocks: size.blocks,
    layer_norm_eps: 1e-6,
    id2label: Object.fromEntries(Array.from({ length: size.labels }, (_, index) => [index, `thing ${index}`])),
  };
  return {
    "config.json": Buffer.from(JSON.stringify(config)),
    "model.safetensors": safetensors(table, Buffer.from(numbers.buffer)),
  };
}

/** Converts a safetensors file from f32 to f16; values too small for f16 become 0. */
export function halved(bytes) {
  const start = 8 + Number(bytes.readBigUInt64LE());
  const table = JSON.parse(bytes.subarray(8, start));
  for (const tensor of Object.values(table)) {
    if (tensor.dtype === "F32") Object.assign(tensor, { dtype: "F16", data_offsets: tensor.data_offsets.map((at) => at / 2) });
  }
  const numbers = Buffer.alloc((bytes.length - start) / 2);
  for (let at = 0; at < numbers.length; at += 2) {
    const bits = bytes.readUInt32LE(start + 2 * at);
    const rounded = (bits & 0x7fffffff) - (112 << 23) + 0x1000;
    numbers.writeUInt16LE(((bits >>> 16) & 0x8000) | (rounded < 1 << 23 ? 0 : rounded >>> 13), at);
  }
  return safetensors(table, numbers);
}

/** Sets the masked-attention probabilities of an EoMT's safetensors file to 0, so that queries attend everywhere. */
export function unmasked(bytes) {
  const start = 8 + Number(bytes.readBigUInt64LE());
  const table = JSON.parse(bytes.subarray(8, start));
  const [from, to] = table.attn_mask_probs.data_offsets;
  return Buffer.from(bytes).fill(0, start + from, start + to);
}
