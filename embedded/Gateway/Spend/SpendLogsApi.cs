using System.Globalization;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;
using LlmAspire.DemoGateway.Served;
using Microsoft.AspNetCore.Mvc;

namespace LlmAspire.DemoGateway.Spend;

/// <summary>LiteLLM's spend logs: what each call used and cost, by pages within a time. It has them when it has a database.</summary>
internal static class SpendLogsApi
{
    public const int MostCounted = 10_000;

    private const int UsualPageSize = 50;
    private const int MostPageSize = 100;

    private static readonly string[] TimeForms = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd"];

    public static void AddSpendLogs(this WebApplicationBuilder builder) => builder.Services.AddSingleton<SpendLogWriter>();

    public static IEndpointRouteBuilder MapSpendLogsApi(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/spend/logs/v2", ListAsync).WithGatewayErrors().RequireMasterKey();
        return routes;
    }

    private static async Task<JsonBody> ListAsync(
        GatewayOptions options,
        SpendLogWriter writer,
        ServedIndex index,
        [FromQuery(Name = "start_date")] string? startDate,
        [FromQuery(Name = "end_date")] string? endDate,
        [FromQuery(Name = "page")] string? page,
        [FromQuery(Name = "page_size")] string? pageSize,
        [FromQuery(Name = "sort_by")] string? sortBy,
        [FromQuery(Name = "sort_order")] string? sortOrder,
        [FromQuery(Name = "request_id")] string? requestId,
        [FromQuery(Name = "status_filter")] string? status,
        CancellationToken cancellationToken)
    {
        if (!options.SpendLogs)
        {
            throw GatewayException.NoDatabase();
        }

        if (startDate is null || endDate is null)
        {
            throw GatewayException.BadQuery("Start date and end date are required");
        }

        if (sortBy is not (null or "startTime") || sortOrder is not (null or "asc" or "desc"))
        {
            throw GatewayException.BadQuery("The demo gateway sorts by startTime, asc or desc.");
        }

        var (number, size) = (Count(page, 1, int.MaxValue), Count(pageSize, UsualPageSize, MostPageSize));
        var calls = await index.ReadEndedAsync(Time(startDate), Time(endDate), cancellationToken);
        SpendLog[] logs = [.. writer.Write(calls)
            .Where(log => (requestId is null || log.RequestId == requestId) && (status is null || log.Status == status))];
        // The newest first unless it is said otherwise.
        if (sortOrder != "asc")
        {
            Array.Reverse(logs);
        }

        var counted = Math.Min(logs.Length, MostCounted);
        return JsonBody.Of(
            new SpendLogsPage(
                [.. logs.Skip((int)Math.Min((number - 1L) * size, int.MaxValue)).Take(size)], counted, number, size, (counted + size - 1) / size,
                logs.Length > MostCounted),
            GatewayJson.Wire.SpendLogsPage);
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParseExact(text, TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw GatewayException.BadQuery($"Invalid date format: {text}. Expected: YYYY-MM-DD or YYYY-MM-DD HH:MM:SS");

    /// <summary>422 for what does not fit, as the framework under the proxy answers; here in the proxy's own shape.</summary>
    private static int Count(string? text, int usual, int most) => text is null ? usual
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1 && count <= most ? count
        : throw new GatewayException(422, $"Input should be a number from 1 to {most}", "bad_request", "None");
}
