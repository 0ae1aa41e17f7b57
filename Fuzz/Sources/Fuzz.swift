import CLibFuzzer

/// Runs one fuzz target under libFuzzer.
///
/// ```sh
/// FUZZ=1 swift build -c release --scratch-path .build/fuzz --product Fuzz
/// FUZZ_TARGET=gzip SWIFT_BACKTRACE=enable=no .build/fuzz/release/Fuzz .build/corpus/gzip Fuzz/Corpus/gzip -max_total_time=60
/// ```
///
/// New inputs go to the first folder, which has to exist. Without the variable, or with a name that is not known, the
/// names are printed. The crash backtracer is off because it waits for a terminal inside the fuzzer.
@main struct Fuzz {
  static func main() {
    // Chosen here rather than at the first input, so that a wrong name is a message and not a crash report.
    _ = selectedTarget
    var count = CommandLine.argc
    // The driver keeps the pointers as long as the process lives, and so do the arguments.
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
    _ = unsafe LLVMFuzzerRunDriver(&count, &arguments, runSelectedTarget)
  }
}

/// The C callback, which has no context: it finds the target in a global constant.
private func runSelectedTarget(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // The bytes are libFuzzer's, and stay where they are until this function returns.
  let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
  unsafe selectedTarget(bytes.span)
  return 0
}
