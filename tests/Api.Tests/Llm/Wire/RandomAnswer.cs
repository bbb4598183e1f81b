using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>
/// An answer with what its row has to say, and the bytes in which a gateway could send it. Whatever is drawn for the bytes must not matter: how they are cut and ended, marks, comments,
/// merged and parted events, the order of members, and where and how the usage is told.
/// </summary>
internal sealed class RandomAnswer
{
    private static readonly string[] Words = ["Alpha", " beta", " 😀", "é", "\n", " \"quoted\"", " 漢字", "\t", " data: [DONE]", "\\", " {\"error\":\"x\"}", " 👨‍👩‍👧", "\u2028", " z"];

    private readonly Random _random;
    private readonly List<JsonObject> _chunks = [];

    // A provider counts in one way.
    private readonly int _form;
    private readonly bool _isReasoningOutside;
    private readonly bool _isCacheOutside;
    private readonly string _writtenName;

    public RandomAnswer(int seed)
    {
        _random = new Random(seed);
        (_form, _isReasoningOutside, _isCacheOutside) = (_random.Next(4), _random.Next(2) == 0, _random.Next(2) == 0);
        _writtenName = _random.Next(2) == 0 ? "cache_creation_tokens" : "cache_write_tokens";
        IsPlain = _random.Next(8) == 0;
        Text = string.Concat(_random.GetItems(Words, _random.Next(1, 12)));
        (Cached, Written, Reasoning) = (_random.Next(3) == 0 ? 0 : _random.Next(1, 900), _random.Next(3) == 0 ? _random.Next(1, 900) : 0, _random.Next(3) == 0 ? _random.Next(1, 400) : 0);
        // More than the text can be, so that no count of ours contradicts it.
        Prompt = Cached + Written + _random.Next(100, 2000);
        Completion = Reasoning + _random.Next(60, 500);
        AddChunks();
    }

    /// <summary>Whether it comes as one body.</summary>
    public bool IsPlain { get; }

    public string Text { get; }

    public long Prompt { get; }

    public long Completion { get; }

    public long Cached { get; }

    public long Written { get; }

    public long Reasoning { get; }

    /// <summary>The bytes, in the pieces in which they come.</summary>
    public IEnumerable<byte[]> Pieces()
    {
        var bytes = IsPlain ? Body() : Events();
        for (var position = 0; position < bytes.Length;)
        {
            var size = Math.Min(_random.Next(6) switch { 0 => 1, 1 => 2, 2 => _random.Next(1, 9), _ => _random.Next(1, 400) }, bytes.Length - position);
            yield return bytes[position..(position + size)];
            position += size;
        }
    }

    private void AddChunks()
    {
        _chunks.Add(Chunk(new JsonObject { ["role"] = _random.Next(4) == 0 ? "model" : "assistant", ["content"] = "" }));
        for (var position = 0; position < Text.Length;)
        {
            // Also in the middle of an emoji.
            var size = Math.Min(_random.Next(1, 7), Text.Length - position);
            _chunks.Add(Chunk(new JsonObject { ["content"] = Text[position..(position + size)] }));
            position += size;
        }

        var last = Chunk([]);
        last["choices"]![0]!["finish_reason"] = _random.GetItems(["stop", "stop", "end_turn", "STOP", "eos"], 1)[0];
        _chunks.Add(last);
        TellUsage();
    }

    private JsonObject Chunk(JsonObject delta) => new()
    {
        ["id"] = "c1",
        ["object"] = "chat.completion.chunk",
        ["created"] = _random.Next(5) == 0 ? null : 1796000000,
        ["model"] = _random.Next(3) == 0 ? "gpt-6-luna" : "chat-default",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = _random.Next(6) == 0 ? "" : null }),
    };

    private void TellUsage()
    {
        var usage = Usage(Completion);
        switch (_random.Next(6))
        {
            case 0:
                // Growing: with many chunks, the last the greatest.
                foreach (var index in Enumerable.Range(0, _chunks.Count - 1))
                {
                    _chunks[index]["usage"] = Usage(Reasoning + index);
                }

                _chunks[^1]["usage"] = usage;
                break;
            case 1:
                _chunks[^1]["usage"] = usage;
                break;
            case 2:
                _chunks[^1]["choices"]![0]!["usage"] = usage;
                break;
            case 3:
                _chunks[0]["usage"] = usage;
                _chunks.Add(Alone(usage.DeepClone()));
                break;
            default:
                _chunks.Add(Alone(usage));
                break;
        }
    }

    private JsonObject Alone(JsonNode usage)
    {
        var chunk = Chunk([]);
        chunk["choices"] = _random.Next(3) switch { 0 => null, 1 => new JsonArray(), _ => chunk["choices"]!.DeepClone() };
        chunk["usage"] = usage;
        return chunk;
    }

    /// <summary>One usage in each of the forms of the table in the docs.</summary>
    private JsonObject Usage(long completion)
    {
        var details = new JsonObject { ["cached_tokens"] = Cached };
        switch (_form)
        {
            case 0:
                return new JsonObject
                {
                    ["input_tokens"] = Prompt,
                    ["output_tokens"] = completion,
                    ["input_tokens_details"] = With(details, "cache_write_tokens", Written),
                    ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Reasoning },
                };
            case 1:
                // Anthropic's classes, within or beside, which the total tells.
                var prompt = _isCacheOutside ? Prompt - Cached - Written : Prompt;
                return new JsonObject
                {
                    ["prompt_tokens"] = prompt,
                    ["completion_tokens"] = completion,
                    ["total_tokens"] = Prompt + completion,
                    ["cache_read_input_tokens"] = Cached,
                    ["cache_creation_input_tokens"] = Written,
                    ["cache_creation"] = new JsonObject { ["ephemeral_5m_input_tokens"] = Written, ["ephemeral_1h_input_tokens"] = 0 },
                    ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Reasoning },
                    ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = 0, ["audio_tokens"] = null },
                };
            case 2 when Written == 0:
                return new JsonObject
                {
                    ["prompt_tokens"] = Prompt,
                    ["completion_tokens"] = completion,
                    ["total_tokens"] = Prompt + completion,
                    ["prompt_cache_hit_tokens"] = Cached,
                    ["prompt_cache_miss_tokens"] = Prompt - Cached,
                    ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Reasoning },
                };
            default:
                return new JsonObject
                {
                    ["prompt_tokens"] = Prompt,
                    ["completion_tokens"] = _isReasoningOutside ? completion - Reasoning : completion,
                    ["total_tokens"] = Prompt + completion,
                    ["prompt_tokens_details"] = With(details, _writtenName, Written),
                    ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Reasoning },
                };
        }
    }

    private static JsonObject With(JsonObject details, string name, long count)
    {
        details[name] = count;
        return details;
    }

    private byte[] Body()
    {
        var body = new JsonObject
        {
            ["id"] = "c1",
            ["object"] = "chat.completion",
            ["created"] = 1796000000,
            ["model"] = "chat-default",
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = _random.Next(3) == 0 ? new JsonArray(new JsonObject { ["type"] = "text", ["text"] = Text }) : Text },
                ["finish_reason"] = _random.GetItems(["stop", "end_turn", "", null], 1)[0],
            }),
            ["usage"] = Usage(Completion),
        };
        return [.. Mark(), .. Encoding.UTF8.GetBytes(Shuffled(body)), .. _random.Next(3) == 0 ? "\n\ndata: [DONE]\n\n"u8 : "\n"u8];
    }

    private byte[] Events()
    {
        var stream = new List<byte>(Mark());
        var lineEnd = _random.GetItems(["\n", "\r\n", "\r"], 1)[0];
        for (var index = 0; index < _chunks.Count; index++)
        {
            if (_random.Next(4) == 0)
            {
                stream.AddRange(Encoding.UTF8.GetBytes(_random.GetItems([": comment", "data:", "event: ping" + lineEnd + "data: ", "id: 7", "retry: 10", "data: null", "data: {\"type\":\"ping\"}"], 1)[0] + lineEnd + lineEnd));
            }

            var text = Shuffled(_chunks[index]);
            // Two objects in one event, a line each.
            if (index + 1 < _chunks.Count && _random.Next(8) == 0)
            {
                text += "\n" + Shuffled(_chunks[++index]);
            }

            var prefix = _random.Next(2) == 0 ? "data: " : "data:";
            stream.AddRange(Encoding.UTF8.GetBytes(string.Concat(text.Split('\n').Select(line => prefix + line + lineEnd)) + lineEnd));
        }

        stream.AddRange(Encoding.UTF8.GetBytes(_random.GetItems(["data: [DONE]" + lineEnd + lineEnd, "data:[DONE]" + lineEnd + lineEnd, "data: [DONE] " + lineEnd + lineEnd, "data: [DONE]", ""], 1)[0]));
        return [.. stream];
    }

    private byte[] Mark() => _random.Next(4) == 0 ? [0xEF, 0xBB, 0xBF] : [];

    /// <summary>The members in another order, escaped or not, in one line or several.</summary>
    private string Shuffled(JsonObject value)
    {
        var options = new JsonSerializerOptions
        {
            WriteIndented = _random.Next(6) == 0,
            NewLine = "\n",
            Encoder = _random.Next(2) == 0 ? System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping : System.Text.Encodings.Web.JavaScriptEncoder.Default,
        };
        var members = value.Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())).ToArray();
        _random.Shuffle(members);
        return Halves(new JsonObject(members), options);
    }

    /// <summary>A writer refuses halves of a character: they are put in afterwards, as the escapes that gateways send.</summary>
    private static string Halves(JsonObject value, JsonSerializerOptions options)
    {
        var halves = new List<char>();
        Replace(value);
        var json = value.ToJsonString(options);
        for (var index = 0; index < halves.Count; index++)
        {
            json = json.Replace($"<<half {index}>>", $"\\u{(int)halves[index]:x4}", StringComparison.Ordinal).Replace($"\\u003C\\u003Chalf {index}\\u003E\\u003E", $"\\u{(int)halves[index]:x4}", StringComparison.Ordinal);
        }

        return json;

        void Replace(JsonNode? node)
        {
            var parent = node as JsonObject;
            foreach (var (key, member) in parent?.ToArray() ?? [])
            {
                if (member is JsonValue text && text.TryGetValue<string>(out var said) && Split(said) is { } marked)
                {
                    parent![key] = marked;
                }
                else
                {
                    Replace(member);
                }
            }

            foreach (var item in node is JsonArray items ? items.ToArray() : [])
            {
                Replace(item);
            }
        }

        string? Split(string said)
        {
            var marked = said;
            if (marked.Length > 0 && char.IsLowSurrogate(marked[0]))
            {
                halves.Add(marked[0]);
                marked = $"<<half {halves.Count - 1}>>{marked[1..]}";
            }

            if (marked.Length > 0 && char.IsHighSurrogate(marked[^1]))
            {
                halves.Add(marked[^1]);
                marked = $"{marked[..^1]}<<half {halves.Count - 1}>>";
            }

            return marked == said ? null : marked;
        }
    }
}
