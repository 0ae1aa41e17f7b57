/// A span of an LLM call as AGL's client sends it.
enum SampleSpan {
  static func json(index: Int) -> String {
    let id = "00000000" + String(0x1000_0000 + index, radix: 16)
    return """
      {"rollout_id":"ro-0123456789ab","attempt_id":"at-01234567","sequence_id":\(index),\
      "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"\(id)","parent_id":"00000000000000aa",\
      "name":"openai.chat.completion","status":{"status_code":"OK","description":null},"attributes":{\
      "gen_ai.request.model":"gpt-4o-mini","gen_ai.request.temperature":0.7,"gen_ai.request.max_tokens":512,\
      "gen_ai.prompt.0.role":"system","gen_ai.prompt.0.content":"You are a helpful assistant that answers briefly.",\
      "gen_ai.prompt.1.role":"user","gen_ai.prompt.1.content":"What is the capital of France? Say it in one word.",\
      "gen_ai.completion.0.role":"assistant","gen_ai.completion.0.content":"Paris","gen_ai.usage.input_tokens":42,\
      "gen_ai.usage.output_tokens":3,"gen_ai.response.id":"chatcmpl-\(index)","prompt_token_ids":[1,2,3,4,5,6,7,8]},\
      "events":[],"links":[],"start_time":1795168314.5447366,"end_time":1795168315.1234567,"context":{\
      "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"\(id)","is_remote":false,"trace_state":{}},"parent":null,\
      "resource":{"attributes":{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry",\
      "telemetry.sdk.version":"1.39.1","service.name":"agent"},"schema_url":""},"kind":"SpanKind.CLIENT"}
      """
  }
}
