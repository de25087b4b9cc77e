// SPDX-License-Identifier: Apache-2.0
#include "gguf/parse.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "gguf/cursor.h"

namespace wattle::gguf {
namespace {

constexpr uint32_t kMaxDims = 4;
constexpr size_t kMaxNameBytes = 64;    // tensor names, as the format limits them
constexpr size_t kMaxKeyBytes = 65535;  // likewise keys
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;             // one letter, type, one byte
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // one letter, one dimension

constexpr std::string_view kTypeNames[kValueTypes] = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
constexpr size_t kTypeSizes[kValueTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// What a name may hold: it ends up in messages on a terminal.
void check_name(const Cursor& in, std::string_view name, size_t max_bytes) {
  if (name.empty() || name.size() > max_bytes) {
    in.fail(fmt::format("a name of {} bytes, expected 1 to {}", name.size(), max_bytes));
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control)) in.fail("control characters in its name");
}

uint32_t read_version(Cursor& in, const std::string& file_name) {
  const auto magic = in.take(4);
  if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
    const std::string_view text(reinterpret_cast<const char*>(magic.data()), 4);
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: not a GGUF file: it starts with {:02x} {:02x} {:02x} {:02x}, "
                            "expected 'GGUF'",
                            file_name, magic[0], magic[1], magic[2], magic[3]),
                text == "vers" ? "this looks like a Git LFS pointer: fetch the file itself with "
                                 "`git lfs pull`"
                               : "wattle reads models in the GGUF format");
  }
  const auto version = in.read<uint32_t>();
  if ((version & 0xffffu) == 0) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format("{}: a big-endian GGUF file (version field {:#010x})", file_name, version),
        "take the little-endian file of this model");
  }
  if (version != 2 && version != 3) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: GGUF version {}, expected 2 or 3", file_name, version),
                "convert the model anew");
  }
  return version;
}

ValueType read_value_type(Cursor& in) {
  const auto id = in.read<uint32_t>();
  if (id >= kValueTypes)
    in.fail(fmt::format("value type {}, expected 0 to {}", id, kValueTypes - 1));
  return static_cast<ValueType>(id);
}

void check_booleans(const Cursor& in, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    if (byte > std::byte{1}) in.fail(fmt::format("a bool of value {}, expected 0 or 1", byte));
  }
}

// Walks over `count` elements of the type.
void skip_elements(Cursor& in, ValueType type, uint64_t count) {
  if (type == ValueType::string) {
    for (uint64_t i = 0; i < count; ++i) in.read_string();
    return;
  }
  const auto bytes = in.take(count * value_type_size(type));
  if (type == ValueType::boolean) check_booleans(in, bytes);
}

Value read_value(Cursor& in, std::span<const std::byte> file) {
  Value value;
  in.set_subject("a key", {});
  value.key = in.read_string();
  in.set_subject("key", value.key);
  check_name(in, value.key, kMaxKeyBytes);
  value.type = value.element = read_value_type(in);
  if (value.type == ValueType::array) {
    value.element = read_value_type(in);
    if (value.element == ValueType::array) in.fail("an array of arrays, which GGUF does not have");
    const size_t size = value_type_size(value.element);
    value.count = in.read_count(size != 0 ? size : sizeof(uint64_t), "elements");
  }
  const size_t begin = in.position();
  skip_elements(in, value.element, value.count);
  value.bytes = file.subspan(begin, in.position() - begin);
  return value;
}

// The last key of that name decides: a file with two is refused later.
uint64_t find_alignment(const Cursor& in, std::span<const Value> values) {
  uint32_t alignment = kDefaultAlignment;
  for (const Value& value : values) {
    if (value.key != "general.alignment") continue;
    if (value.type != ValueType::u32) {
      in.fail(fmt::format("key 'general.alignment': found {}, expected u32",
                          value_type_name(value.type)));
    }
    std::memcpy(&alignment, value.bytes.data(), sizeof alignment);
    // Blocks and floats are read in place, so fewer than 8 would break them.
    if (!std::has_single_bit(alignment) || alignment < 8) {
      in.fail(fmt::format("key 'general.alignment': {}, expected a power of two of at least 8",
                          alignment));
    }
  }
  return alignment;
}

// Turns the shape over and computes the size; n_elements and size_bytes are known to fit u64.
void read_shape(Cursor& in, TensorInfo& tensor) {
  tensor.n_dims = in.read<uint32_t>();
  if (tensor.n_dims == 0 || tensor.n_dims > kMaxDims) {
    in.fail(fmt::format("{} dimensions, expected 1 to {}", tensor.n_dims, kMaxDims));
  }
  uint64_t n_elements = 1;
  for (uint32_t i = 0; i < tensor.n_dims; ++i) {
    const auto dim = in.read<uint64_t>();
    if (dim == 0) in.fail("a dimension of 0");
    // Signed in other readers: stay in what all of them can hold.
    if (dim > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / n_elements) {
      in.fail("the product of its dimensions does not fit 63 bits");
    }
    n_elements *= dim;
    tensor.shape[tensor.n_dims - 1 - i] = dim;
  }
}

void read_type(Cursor& in, TensorInfo& tensor) {
  tensor.type_id = in.read<uint32_t>();
  tensor.dtype = dtype_from_id(tensor.type_id);
  if (!tensor.dtype) return;  // an error only for who wants to use it
  const DTypeInfo& info = dtype_info(*tensor.dtype);
  const uint64_t n_cols = tensor.shape[tensor.n_dims - 1];
  if (n_cols % info.block_elems != 0) {
    in.fail(fmt::format("rows of {} elements, {} needs a multiple of {}", n_cols, info.name,
                        info.block_elems));
  }
  const uint64_t n_blocks = tensor.n_elements() / info.block_elems;
  if (n_blocks > std::numeric_limits<uint64_t>::max() / info.block_bytes) {
    in.fail("its size does not fit 64 bits");
  }
  tensor.size_bytes = n_blocks * info.block_bytes;
}

// `end`: where the data of the tensor before ends, padded; tensors lie one after the other.
// Returns the same for this one.
uint64_t place_tensor(const Cursor& in, TensorInfo& tensor, uint64_t offset, uint64_t end,
                      bool end_is_exact, uint64_t alignment, std::span<const std::byte> data) {
  if (offset % alignment != 0) {
    in.fail(fmt::format("offset {}, expected a multiple of {}", offset, alignment));
  }
  if (end_is_exact ? offset != end : offset < end) {
    in.fail(fmt::format("offset {}, expected {}, the end of the tensor before it", offset, end));
  }
  if (offset > data.size() || tensor.size_bytes > data.size() - offset) {
    in.fail(
        fmt::format("its {} bytes at offset {} reach past the end of the file, which has {} "
                    "bytes of data",
                    tensor.size_bytes, offset, data.size()));
  }
  tensor.data = data.data() + offset;
  // No overflow: both are at most the size of the file.
  const uint64_t next = offset + tensor.size_bytes;
  return (next + alignment - 1) / alignment * alignment;
}

}  // namespace

std::string_view value_type_name(ValueType type) noexcept {
  return kTypeNames[static_cast<uint32_t>(type)];
}

size_t value_type_size(ValueType type) noexcept { return kTypeSizes[static_cast<uint32_t>(type)]; }

ParsedFile parse_file(std::span<const std::byte> bytes, const std::string& file_name) {
  Cursor in(bytes, file_name);
  ParsedFile file;
  file.version = read_version(in, file_name);

  in.set_subject("the header", {});
  const uint64_t n_tensors = in.read_count(kMinTensorBytes, "tensors");
  const uint64_t n_keys = in.read_count(kMinKeyBytes, "keys");

  // Nothing is reserved for what a count only claims: a damaged one may be as large as the file.
  for (uint64_t i = 0; i < n_keys; ++i) file.values.push_back(read_value(in, bytes));
  in.set_subject(nullptr, {});
  const uint64_t alignment = find_alignment(in, file.values);

  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < n_tensors; ++i) {
    TensorInfo tensor;
    in.set_subject("a tensor", {});
    tensor.name = in.read_string();
    in.set_subject("tensor", tensor.name);
    check_name(in, tensor.name, kMaxNameBytes);
    read_shape(in, tensor);
    read_type(in, tensor);
    offsets.push_back(in.read<uint64_t>());
    file.tensors.push_back(tensor);
  }

  // A file without tensors (vocabulary only) need not be padded.
  const uint64_t begin = (in.position() + alignment - 1) / alignment * alignment;
  const auto data = begin <= bytes.size() ? bytes.subspan(begin) : bytes.last(0);
  uint64_t end = 0;
  bool end_is_exact = true;
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    TensorInfo& tensor = file.tensors[i];
    in.set_subject("tensor", tensor.name);
    end = place_tensor(in, tensor, offsets[i], end, end_is_exact, alignment, data);
    end_is_exact = tensor.dtype.has_value();
  }
  return file;
}

}  // namespace wattle::gguf
