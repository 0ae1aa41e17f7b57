/// The proxy in front of LLM providers.
package enum LLMProxyPlaceholder {}
