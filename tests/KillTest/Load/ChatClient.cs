using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;

namespace LlmAspire.KillTest.Load;

/// <summary>What somebody asks, and how long they listen.</summary>
/// <param name="StopAfter">Deltas until they press Stop; null when they do not.</param>
/// <param name="LeaveAfter">Deltas until they go away; null when they stay.</param>
internal sealed record Question(Person Asker, string Model, string Message, int? StopAfter = null, int? LeaveAfter = null);

/// <summary>A client of the chat Api. Safe to use concurrently.</summary>
internal sealed class ChatClient(TimeSpan patience) : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Asks and reads the answer. Whatever happens is part of the answer.</summary>
    /// <param name="api">Its name and address.</param>
    public async Task<SeenAnswer> AskAsync((string Name, Uri Url) api, Question question, CancellationToken cancellationToken)
    {
        var answer = new SeenAnswer { Api = api.Name, User = question.Asker.Name, AskedAt = DateTimeOffset.UtcNow };
        // A frozen Api or a slow disk may take its time, but not for ever.
        using var hung = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        hung.CancelAfter(patience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(api.Url, "/chat"));
            request.Headers.Authorization = new("Bearer", question.Asker.Key);
            request.Content = JsonContent.Create(new { question.Message, question.Model });
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, hung.Token);
            answer = answer with { Status = (int)response.StatusCode, RetryAfter = response.Headers.RetryAfter?.Delta };
            if (!response.IsSuccessStatusCode)
            {
                return answer with { ErrorCode = await ReadCodeAsync(response.Content, hung.Token), EndedAt = DateTimeOffset.UtcNow };
            }

            await using var stream = await response.Content.ReadAsStreamAsync(hung.Token);
            var deltas = 0;
            await foreach (var item in SseParser.Create(stream).EnumerateAsync(hung.Token))
            {
                answer = Take(answer, item);
                if (item.EventType != "delta")
                {
                    continue;
                }

                deltas++;
                answer = answer with { LastDeltaAt = DateTimeOffset.UtcNow };
                if (deltas == question.LeaveAfter)
                {
                    return answer with { WentAway = true, EndedAt = DateTimeOffset.UtcNow };
                }

                if (deltas == question.StopAfter)
                {
                    await StopAsync(api.Url, question.Asker, answer.RunId!.Value, hung.Token);
                }
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // Whoever was asked is dead.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            answer = answer with { Hung = true };
        }

        return answer with { EndedAt = DateTimeOffset.UtcNow };
    }

    public void Dispose() => _http.Dispose();

    private static SeenAnswer Take(SeenAnswer answer, SseItem<string> item)
    {
        using var json = JsonDocument.Parse(item.Data);
        var data = json.RootElement;
        return item.EventType switch
        {
            "run" => answer with { RunId = data.GetProperty("runId").GetGuid() },
            "usage" => answer with { Usages = [.. answer.Usages, ReadUsage(data)] },
            "done" => answer with { FinishReason = data.GetProperty("finishReason").GetString() },
            "error" => answer with { ErrorCode = data.GetProperty("code").GetString() },
            _ => answer,
        };
    }

    private static SeenUsage ReadUsage(JsonElement data) => new(
        data.GetProperty("callId").GetGuid(),
        data.GetProperty("promptTokens").GetInt64(),
        data.GetProperty("completionTokens").GetInt64(),
        ReadCount(data, "cachedPromptTokens"),
        ReadCount(data, "reasoningTokens"),
        data.GetProperty("source").GetString()!,
        data.GetProperty("outcome").GetString()!);

    private static long ReadCount(JsonElement data, string name) =>
        data.TryGetProperty(name, out var count) && count.ValueKind == JsonValueKind.Number ? count.GetInt64() : 0;

    private static async Task<string?> ReadCodeAsync(HttpContent content, CancellationToken cancellationToken)
    {
        try
        {
            using var problem = JsonDocument.Parse(await content.ReadAsStringAsync(cancellationToken));
            return problem.RootElement.TryGetProperty("code", out var code) ? code.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task StopAsync(Uri api, Person asker, Guid runId, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, new Uri(api, $"/chat/runs/{runId}"));
        request.Headers.Authorization = new("Bearer", asker.Key);
        try
        {
            // 404 when it ended meanwhile.
            using var response = await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException)
        {
            // An Api that is told to stop takes no new connections; the answer goes on.
        }
    }
}
