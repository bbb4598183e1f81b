using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>JSON that fits a JSON schema, filled from the words of a question where they fit.</summary>
internal sealed partial class SchemaExample
{
    private const int MaxDepth = 8;

    private readonly JsonElement _root;
    private readonly string _question;
    private readonly Queue<string> _names;
    private readonly Queue<double> _numbers;

    private SchemaExample(JsonElement root, string question)
    {
        (_root, _question) = (root, question);
        // Names in a question are its capitalised words after the first word, or else its last key word.
        string[] names = [.. Name().Matches(question).Where(match => match.Index > 0).Select(match => match.Value)];
        _names = new Queue<string>(names.Length > 0 ? names : [Topic.Of(question).Keywords[^1]]);
        _numbers = new Queue<double>(Number().Matches(question).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture)));
    }

    /// <param name="schema">What is no JSON schema allows any object, and is given an empty one.</param>
    public static string Generate(JsonElement schema, string question) =>
        (new SchemaExample(schema, question).Value(schema, "", 0) ?? new JsonObject()).ToJsonString(GatewayJson.Wire.Options);

    private JsonNode? Value(JsonElement schema, string name, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > MaxDepth)
        {
            return null;
        }

        if (Reference(schema) is { } target)
        {
            return Value(target, name, depth + 1);
        }

        if (schema.TryGetProperty("const", out var constant))
        {
            return JsonNode.Parse(constant.GetRawText());
        }

        if (schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array && values.GetArrayLength() > 0)
        {
            return JsonNode.Parse(values.EnumerateArray().OrderByDescending(IsMentioned).First().GetRawText());
        }

        foreach (var combination in (string[])["anyOf", "oneOf", "allOf"])
        {
            if (schema.TryGetProperty(combination, out var options) && options.ValueKind == JsonValueKind.Array && options.GetArrayLength() > 0)
            {
                return Value(options[0], name, depth + 1);
            }
        }

        return Type(schema) switch
        {
            // Not a city's: a program asks for the name of its zone.
            "string" or null when name is "zone" or "timezone" or "timeZone" or "time_zone" => JsonValue.Create(Zone()),
            "integer" or "number" when _numbers.Count == 0 && schema.TryGetProperty("default", out var usual) && usual.ValueKind == JsonValueKind.Number =>
                JsonNode.Parse(usual.GetRawText()),
            "object" => Object(schema, depth),
            "array" => Array(schema, name, depth),
            "integer" => JsonValue.Create((long)Math.Round(Bounded(schema))),
            "number" => JsonValue.Create(Bounded(schema)),
            "boolean" => JsonValue.Create(true),
            "null" => null,
            _ => JsonValue.Create(Text(schema, name)),
        };
    }

    /// <summary>All required members; when none is required, all.</summary>
    private JsonObject Object(JsonElement schema, int depth)
    {
        var example = new JsonObject();
        if (schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
        {
            HashSet<string?> required = schema.TryGetProperty("required", out var names) && names.ValueKind == JsonValueKind.Array
                ? [.. names.EnumerateArray().Select(item => item.ToString())]
                : [];
            foreach (var property in properties.EnumerateObject().Where(property => required.Count == 0 || required.Contains(property.Name)))
            {
                example[property.Name] = Value(property.Value, property.Name, depth + 1);
            }
        }

        return example;
    }

    private JsonArray Array(JsonElement schema, string name, int depth)
    {
        var count = schema.TryGetProperty("minItems", out var minimum) && minimum.TryGetInt32(out var least) ? Math.Clamp(least, 1, 20) : 1;
        var items = schema.TryGetProperty("items", out var itemSchema) ? itemSchema : default;
        return new JsonArray([.. Enumerable.Range(0, count).Select(_ => items.ValueKind == JsonValueKind.Object ? Value(items, name, depth + 1) : NextName())]);
    }

    private double Bounded(JsonElement schema)
    {
        var least = Bound(schema, "minimum") ?? double.NegativeInfinity;
        var most = Bound(schema, "maximum") ?? double.PositiveInfinity;
        var wanted = _numbers.TryDequeue(out var number) ? number : 1;
        return Math.Max(least, Math.Min(most, wanted));
    }

    private string Text(JsonElement schema, string name)
    {
        if (schema.TryGetProperty("default", out var standard) && standard.ValueKind == JsonValueKind.String)
        {
            return standard.GetString()!;
        }

        // A fixed day: today's would make the answer differ from one day to the next.
        return (schema.TryGetProperty("format", out var format) ? format.ToString() : name.ToLowerInvariant()) switch
        {
            "date" => "2026-01-15",
            "date-time" => "2026-01-15T12:00:00Z",
            "time" => "12:00:00Z",
            "email" => "demo@example.com",
            "uri" or "url" => "https://example.com",
            "uuid" => "00000000-0000-4000-8000-000000000001",
            "query" or "question" or "prompt" or "text" or "message" => _question.Trim(),
            "expression" => Expression().Match(_question) is { Success: true } match ? match.Value.Trim() : _question.Trim(),
            _ => NextName(),
        };
    }

    /// <summary>The zone, or else the place, that the question is about.</summary>
    private string Zone() => ZoneName().Match(_question) is { Success: true } zone ? zone.Value
        : Place().Match(_question) is { Success: true } place ? place.Groups[1].Value
        : "UTC";

    private string NextName()
    {
        var name = _names.Dequeue();
        // The last one is used again, so that there always is one.
        if (_names.Count == 0)
        {
            _names.Enqueue(name);
        }

        return name;
    }

    private bool IsMentioned(JsonElement value) => _question.Contains(value.ToString(), StringComparison.OrdinalIgnoreCase);

    /// <summary>Only references within the schema: <c>#/$defs/Name</c>.</summary>
    private JsonElement? Reference(JsonElement schema)
    {
        if (!schema.TryGetProperty("$ref", out var reference) || !reference.ToString().StartsWith("#/", StringComparison.Ordinal))
        {
            return null;
        }

        var target = _root;
        foreach (var part in reference.ToString()[2..].Split('/'))
        {
            if (target.ValueKind != JsonValueKind.Object || !target.TryGetProperty(part, out target))
            {
                return null;
            }
        }

        return target;
    }

    private static string? Type(JsonElement schema) => schema.TryGetProperty("type", out var type)
        ? type.ValueKind == JsonValueKind.Array
            ? type.EnumerateArray().Select(item => item.ToString()).FirstOrDefault(item => item != "null")
            : type.ToString()
        : schema.TryGetProperty("properties", out _) ? "object" : null;

    private static double? Bound(JsonElement schema, string name) =>
        schema.TryGetProperty(name, out var bound) && bound.ValueKind == JsonValueKind.Number ? bound.GetDouble() : null;

    [GeneratedRegex(@"\b\p{Lu}[\p{L}\p{N}]+(?: \p{Lu}[\p{L}\p{N}]+)*")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<![\p{L}\p{N}])-?[0-9]{1,15}(?:\.[0-9]{1,15})?")]
    private static partial Regex Number();

    [GeneratedRegex(@"\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_/]+")]
    private static partial Regex ZoneName();

    [GeneratedRegex(@"\b(?:in|at|for)\s+(\p{Lu}\p{L}+(?: \p{Lu}\p{L}+)*)")]
    private static partial Regex Place();

    [GeneratedRegex(@"[\d(][\d\s.+\-*/^()]*[\d)]")]
    private static partial Regex Expression();
}
