using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>One answer of a gateway, as it was seen, and what the ledger and the client should get: a file of <c>cases</c>, whose README says what its members mean.</summary>
internal sealed class AnswerCase
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Llm", "Wire", "cases");

    private readonly JsonElement _file;

    private AnswerCase(JsonElement file) => _file = file;

    /// <summary>The names of all cases that come over a path.</summary>
    public static IEnumerable<string> Names(string path) =>
        Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal)
            .Where(name => Read(name)._file.GetProperty("paths").EnumerateArray().Any(one => one.GetString() == path));

    public static AnswerCase Read(string name) => new(JsonElement.Parse(File.ReadAllText(Path.Combine(Folder, $"{name}.json"))));

    public bool IsStreamed => _file.GetProperty("stream").GetBoolean();

    public string Model => _file.GetProperty("model").GetString()!;

    /// <summary>The whole text that the client gets.</summary>
    public string ExpectedText => Client.GetProperty("text").GetString()!;

    /// <summary>The code of the error that the client gets; null for a whole answer.</summary>
    public string? ExpectedError => Client.GetProperty("error").GetString();

    /// <summary>Columns of the row; <c>about</c> is our own count, within 3 %.</summary>
    public IEnumerable<JsonProperty> ExpectedRow => _file.GetProperty("expect").GetProperty("row").EnumerateObject();

    private JsonElement Client => _file.GetProperty("expect").GetProperty("client");

    private JsonElement Answer => _file.GetProperty("answer");

    private byte[] Body => Answer.TryGetProperty("body", out var text) ? Encoding.UTF8.GetBytes(text.GetString()!) : Answer.GetProperty("bodyBase64").GetBytesFromBase64();

    /// <summary>Sends the answer, byte for byte.</summary>
    public async Task SendAsync(HttpContext context)
    {
        context.Response.StatusCode = Answer.GetProperty("status").GetInt32();
        foreach (var header in Answer.GetProperty("headers").EnumerateObject())
        {
            context.Response.Headers[header.Name] = header.Value.GetString();
        }

        await context.Response.Body.WriteAsync(Body);
    }
}
