using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>Reads LiteLLM's spend logs, page by page.</summary>
internal sealed class SpendLogClient(HttpClient http, IOptions<ReconciliationOptions> options)
{
    private const string Path = "spend/logs/v2";

    /// <summary>What newer versions take for a page; the others say 422 and take <see cref="SmallPage"/>.</summary>
    private const int LargePage = 1000;
    private const int SmallPage = 100;

    /// <summary>How LiteLLM writes times: in UTC, to the second, both ends included.</summary>
    private const string TimeForm = "yyyy-MM-dd HH:mm:ss";

    /// <summary>Pages count from the start of the time asked for: short times keep them cheap for the gateway's database.</summary>
    private static readonly TimeSpan Span = TimeSpan.FromHours(1);

    /// <summary>What LiteLLM says where it has no database.</summary>
    private static readonly string[] NoDatabase = ["Prisma Client is not initialized", "Database not connected", "DB not connected", "No connected db", "No db connected"];

    /// <summary>How often a time is read again whose pages have fewer logs than they count.</summary>
    private const int MostRepetitions = 3;

    private int _pageSize = LargePage;

    /// <summary>Asks whether there are logs.</summary>
    /// <exception cref="SpendLogsException">When they cannot be read; so for all of these.</exception>
    public async Task ProbeAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        using var page = await AskAsync(now - Span, now, 1, 1, cancellationToken);
    }

    /// <summary>The logs of calls that began within a time, by pages. What came twice comes twice.</summary>
    public async IAsyncEnumerable<IReadOnlyList<GatewayLog>> ReadAsync(
        DateTimeOffset from, DateTimeOffset until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var start = from; start < until; start += Span)
        {
            var end = start + Span < until ? start + Span : until;
            var seen = new HashSet<string>(StringComparer.Ordinal);
            for (int number = 1, again = 0; ; number++)
            {
                var size = _pageSize;
                using var page = await AskAsync(start, end, number, size, cancellationToken);
                if (page is null)
                {
                    // Too large for this version: once more, from the first page.
                    (_pageSize, number) = (SmallPage, 0);
                    continue;
                }

                var logs = Read(page);
                if (logs.Count > 0)
                {
                    yield return logs;
                }

                seen.UnionWith(logs.Select(log => log.RequestId));
                // Not total_pages: LiteLLM stops counting at 10,000 logs.
                if (logs.Count == size)
                {
                    continue;
                }

                // Logs of one moment have no order, and one of them may slip from one page to another between two questions.
                if (seen.Count >= Total(page))
                {
                    break;
                }

                number = again++ < MostRepetitions
                    ? 0
                    : throw new SpendLogsException(GatewayProblem.Failed, $"The gateway's answers to /{Path} do not fit together: they have fewer logs than they count.");
            }
        }
    }

    /// <summary>How many logs there are, at least.</summary>
    private static long Total(JsonDocument page) =>
        page.RootElement.TryGetProperty("total", out var total) && total.ValueKind == JsonValueKind.Number && total.TryGetInt64(out var count) ? count : 0;

    private static List<GatewayLog> Read(JsonDocument page)
    {
        try
        {
            return page.RootElement.ValueKind == JsonValueKind.Object && page.RootElement.TryGetProperty("data", out var data)
                && data.ValueKind == JsonValueKind.Array
                ? [.. data.EnumerateArray().Select(SpendLogReader.Read)]
                : throw new JsonException("The answer has no list named data.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new SpendLogsException(GatewayProblem.Failed, $"The gateway's answer to /{Path} is not understood: {exception.Message}", exception);
        }
    }

    /// <returns>Null when the page is too large.</returns>
    private async Task<JsonDocument?> AskAsync(DateTimeOffset from, DateTimeOffset until, int page, int size, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.GatewayTimeout);
        // The end is rounded up: it is included, to the second.
        var query = string.Create(
            CultureInfo.InvariantCulture,
            $"{Path}?start_date={Text(from)}&end_date={Text(until.AddSeconds(1))}&page={page}&page_size={size}&sort_by=startTime&sort_order=asc");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Value.Root, query));
        if (options.Value.ApiKey is { } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode == HttpStatusCode.UnprocessableEntity && size == LargePage)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode)
            {
                throw Refusal(response.StatusCode, await response.Content.ReadAsStringAsync(patience.Token));
            }

            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            return await JsonDocument.ParseAsync(body, cancellationToken: patience.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SpendLogsException(
                GatewayProblem.Unreachable, $"The gateway did not answer /{Path} within {options.Value.GatewayTimeout}.", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new SpendLogsException(GatewayProblem.Unreachable, $"The gateway cannot be reached: {exception.Message}", exception);
        }
        catch (JsonException exception)
        {
            throw new SpendLogsException(GatewayProblem.Failed, $"The gateway's answer to /{Path} is not JSON.", exception);
        }
    }

    /// <summary>By its words first: LiteLLM says 401 where it has no database, and 400 or 500 in other versions.</summary>
    private static SpendLogsException Refusal(HttpStatusCode status, string body) => status switch
    {
        _ when NoDatabase.Any(words => body.Contains(words, StringComparison.OrdinalIgnoreCase)) => new(
            GatewayProblem.NoDatabase, "The gateway has no database, and so no spend logs: give LiteLLM a DATABASE_URL."),
        HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => new(
            GatewayProblem.NotSupported, $"The gateway has no /{Path}: it is no LiteLLM, or an old one."),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new(
            GatewayProblem.Refused, $"The gateway answered {(int)status} to /{Path}: LLM_API_KEY of the worker must be the master key, or one of an administrator."),
        HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => new(
            GatewayProblem.Unreachable, $"The gateway answered {(int)status} to /{Path}."),
        _ => new(GatewayProblem.Failed, $"The gateway answered {(int)status} to /{Path}."),
    };

    private static string Text(DateTimeOffset time) => Uri.EscapeDataString(time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture));
}
