using System.Text.Json;

namespace LlmAspire.ServiceDefaults.Json;

/// <summary>A value that is not what it should be; the reader adds where it stands.</summary>
/// <param name="expected">What to send instead, in words for whoever sent it: "send a time …", without a full stop.</param>
public sealed class JsonValueException(string expected) : JsonException(expected);
