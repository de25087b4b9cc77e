// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/from_json.h"

namespace wattle::chat::jinja {

Value from_json(Runtime& rt, const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
    case Json::value_t::discarded:
    case Json::value_t::binary: return Value::none();
    case Json::value_t::boolean: return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return Value::integer(json.get<int64_t>());
    case Json::value_t::number_float: return Value::real(json.get<double>());
    case Json::value_t::string:
      return rt.string(Text(json.get_ref<const std::string&>(), Origin::input));
    case Json::value_t::array: {
      const Runtime::Depth depth(rt);
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(rt, item));
      return rt.list(std::move(items));
    }
    case Json::value_t::object: {
      const Runtime::Depth depth(rt);
      auto* dict = rt.make<Dict>();
      rt.charge_memory(json.size() * 2 * sizeof(Value));
      for (const auto& [key, value] : json.items()) {
        dict->set(rt.string(Text(key, Origin::input)), from_json(rt, value));
      }
      return Value::object(dict);
    }
  }
  return Value::none();
}

}  // namespace wattle::chat::jinja
