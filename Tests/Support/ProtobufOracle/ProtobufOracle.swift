import COTLP

/// A second opinion on OTLP bytes: protobuf-c, which shares no code with the product's own reader.
///
/// For tests and fuzzing. It differs from the product where it knows less: it refuses groups, it does not check UTF-8,
/// and it has **no recursion limit**: the caller makes sure that the bytes are not nested deeply (a few hundred levels),
/// or the process ends.
package enum ProtobufOracle {
  /// Whether the bytes are an `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`.
  package static func accepts(exportTraceServiceRequest bytes: Span<UInt8>) -> Bool {
    spanCount(exportTraceServiceRequest: bytes) != nil
  }

  /// How many spans the request holds; `nil` if the bytes are not such a request.
  package static func spanCount(exportTraceServiceRequest bytes: Span<UInt8>) -> Int? {
    // The message is freed before the closure ends, and holds copies of the bytes only.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      let unpacked = unsafe opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        nil, buffer.count, buffer.baseAddress)
      guard let request = unsafe unpacked else { return nil }
      defer {
        unsafe opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(request, nil)
      }
      return unsafe countSpans(request.pointee)
    }
  }

  private static func countSpans(
    _ request: Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest
  ) -> Int {
    var count = 0
    for resource in unsafe 0..<request.n_resource_spans {
      guard let spans = unsafe request.resource_spans[resource]?.pointee else { continue }
      for scope in unsafe 0..<spans.n_scope_spans {
        unsafe count += spans.scope_spans[scope]?.pointee.n_spans ?? 0
      }
    }
    return count
  }
}
