using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Reports;

/// <summary>Who used what, on which model, and what it costs: sums, single calls, exports, the month's budget. See docs/reports.md.</summary>
internal static class ReportsApi
{
    private const int UsualPage = 50;
    private const int LargestPage = 200;
    private const int MostKeys = 3;

    private static readonly ReportKey[] KeysOfLatency = [ReportKey.Model, ReportKey.Provider, ReportKey.ServedModel, ReportKey.Operation, ReportKey.Day];

    public static IHostApplicationBuilder AddReports(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<ReportOptions>().BindConfiguration(ReportOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ReportLimits>();
        builder.Services.AddScoped<ReportNames>();
        builder.Services.AddScoped<Budgets>();
        return builder;
    }

    public static IEndpointRouteBuilder MapReportsApi(this IEndpointRouteBuilder app)
    {
        var usage = app.MapGroup("/usage").WithTags("Usage")
            .ExplainMoneyThatDoesNotFit()
            .AddEndpointFilter(ExplainAsync)
            .LimitReports()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);

        usage.MapGet("/summary", SummariseAsync)
            .WithName("SummariseUsage")
            .WithSummary("Sums calls, tokens and cost by up to three of hour, day, week, month, model, provider, servedModel, user, organisation, operation, outcome.");

        usage.MapGet("/latency", MeasureAsync)
            .WithName("MeasureLatency")
            .WithSummary("Percentiles of how long completed calls took, by model, provider, servedModel, operation or day; of 31 days at most.");

        usage.MapGet("/calls", ListAsync)
            .WithName("ListCalls")
            .WithSummary("Lists single calls with their cost, the newest first.");

        usage.MapGet("/calls/{id:guid}", FindAsync)
            .WithName("GetCall")
            .WithSummary("Tells all that is known of a call: tokens and cost by class, prices, timings, the other calls of the same request.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        usage.MapGet("/export", ExportAsync)
            .WithName("ExportCalls")
            .WithSummary("Streams the calls of any time with their cost, the oldest first, as CSV (format=csv) or JSON lines (format=jsonl).");

        usage.MapGet("/budget", GetBudgetAsync)
            .WithName("GetBudget")
            .WithSummary("Tells what the organisation has used, reserved and left of its month, and a forecast; another organisation's with org (operator).")
            .ProducesProblem(StatusCodes.Status404NotFound);

        return app;
    }

    private static async Task<Results<Ok<SummaryResponse>, ProblemHttpResult>> SummariseAsync(
        [AsParameters] ReportRequest request,
        string[]? groupBy,
        UsageReports reports,
        ReportNames names,
        Caller caller,
        TimeProvider time,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var reader = new ReportReader(caller, time, context);
        var (keys, problem) = reader.ReadKeys(groupBy, Enum.GetValues<ReportKey>(), MostKeys);
        if (keys is null)
        {
            return problem!;
        }

        var (query, wrong) = reader.Read(request);
        if (query is null)
        {
            return wrong!;
        }

        var summary = await reports.SummariseAsync(query, keys, cancellationToken);
        return TypedResults.Ok(new SummaryResponse(
            query.From,
            query.To,
            query.Zone,
            (request.Scope ?? nameof(ReportScope.Me)).ToLowerInvariant(),
            [.. keys.Select(NameOf)],
            summary.AsOf.ToString(),
            summary.IsFromRollups ? "rollups" : "rows",
            await names.FindAsync(query.Filter, summary.Users, summary.Organisations, cancellationToken),
            summary.Groups.Select(group => new ReportRow(group.Keys, group.Sums)),
            new ReportTotals(summary.Totals)));
    }

    private static async Task<Results<Ok<LatencyResponse>, ProblemHttpResult>> MeasureAsync(
        [AsParameters] ReportRequest request,
        string[]? groupBy,
        UsageLatencies latencies,
        Caller caller,
        TimeProvider time,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var reader = new ReportReader(caller, time, context);
        var (keys, problem) = reader.ReadKeys(groupBy, KeysOfLatency, most: 1);
        if (keys is null)
        {
            return problem!;
        }

        var (query, wrong) = reader.Read(request, UsageLatencies.Longest);
        if (query is null)
        {
            return wrong!;
        }

        var key = keys is [var asked] ? asked : ReportKey.Model;
        return TypedResults.Ok(new LatencyResponse(query.From, query.To, query.Zone, NameOf(key), await latencies.MeasureAsync(query, key, cancellationToken)));
    }

    private static async Task<Results<Ok<CallsResponse>, ProblemHttpResult>> ListAsync(
        [AsParameters] ReportRequest request,
        string? cursor,
        int? limit,
        UsageCalls calls,
        ReportNames names,
        Caller caller,
        TimeProvider time,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var (query, problem) = new ReportReader(caller, time, context).Read(request);
        if (query is null)
        {
            return problem!;
        }

        if (limit is < 1 or > LargestPage)
        {
            return ReportProblems.LimitInvalid(context, LargestPage);
        }

        var after = string.IsNullOrEmpty(cursor) ? null : CursorText.Read<CallCursor>(cursor);
        if (after is null && !string.IsNullOrEmpty(cursor))
        {
            return ReportProblems.CursorInvalid(context);
        }

        var page = await calls.ListAsync(query, after, limit ?? UsualPage, cancellationToken);
        return TypedResults.Ok(new CallsResponse(
            page.AsOf.ToString(), page.Calls, page.Next is { } next ? CursorText.Write(next) : null,
            await names.FindAsync(query.Filter, page.Calls, cancellationToken)));
    }

    private static async Task<Results<Ok<CallStoryResponse>, ProblemHttpResult>> FindAsync(
        Guid id,
        string? asOf,
        UsageCalls calls,
        ReportNames names,
        IOptions<ReportOptions> options,
        Caller caller,
        TimeProvider time,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var reader = new ReportReader(caller, time, context);
        var (pin, problem) = reader.ReadPinOnly(asOf);
        if (problem is not null)
        {
            return problem;
        }

        var seen = reader.FilterOfAll();
        return await calls.FindAsync(id, seen, pin, cancellationToken) is { } story
            ? TypedResults.Ok(new CallStoryResponse(
                story, options.Value.TraceUrlOf(story.Call.TraceId), await names.FindAsync(seen, [story.Call, .. story.SameRequest], cancellationToken)))
            : ReportProblems.CallUnknown(context);
    }

    private static async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExportAsync(
        [AsParameters] ReportRequest request,
        string? format,
        UsageExport export,
        Caller caller,
        TimeProvider time,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var (query, problem) = new ReportReader(caller, time, context).Read(request);
        if (query is null)
        {
            return problem!;
        }

        var (kind, contentType, extension) = format?.ToLowerInvariant() switch
        {
            null or "" or "csv" => (ExportFormat.Csv, "text/csv; charset=utf-8", "csv"),
            "jsonl" => (ExportFormat.JsonLines, "application/jsonl; charset=utf-8", "jsonl"),
            _ => ((ExportFormat?)null, "", ""),
        };
        if (kind is not { } known)
        {
            return ReportProblems.FormatInvalid(context);
        }

        var pinned = query with { AsOf = await export.PinAsync(query, cancellationToken) };
        context.Response.Headers["X-As-Of"] = pinned.AsOf!.ToString();
        // What fails on the way breaks the connection: a file that ends well is whole.
        return TypedResults.Stream(
            output => export.WriteAsync(pinned, known, output, cancellationToken), contentType, $"usage-{pinned.From:yyyy-MM-dd}-{pinned.To:yyyy-MM-dd}.{extension}");
    }

    private static async Task<Results<Ok<BudgetResponse>, ProblemHttpResult>> GetBudgetAsync(
        Guid? org, Budgets budgets, Caller caller, HttpContext context, CancellationToken cancellationToken) =>
        org is { } other && other != caller.OrgId && (!caller.IsOperator || caller.ApiKeyId is not null)
            ? ReportProblems.OperatorOnly(context)
            : await budgets.FindAsync(org ?? caller.OrgId, cancellationToken) is { } budget
                ? TypedResults.Ok(budget)
                : ReportProblems.OrganisationUnknown(context);

    private static async ValueTask<object?> ExplainAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        try
        {
            return await next(invocation);
        }
        catch (ReportTooLargeException exception)
        {
            return ReportProblems.TooLarge(invocation.HttpContext, exception.Most);
        }
        catch (HoursFoldedException exception)
        {
            return ReportProblems.HoursFolded(invocation.HttpContext, exception.Last);
        }
        catch (PinUnknownException)
        {
            return ReportProblems.PinUnknown(invocation.HttpContext);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            return ReportProblems.ZoneUnknown(invocation.HttpContext);
        }
        catch (NpgsqlException exception) when (exception.InnerException is TimeoutException || exception.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            return ReportProblems.TooSlow(invocation.HttpContext);
        }
    }

    private static string NameOf(ReportKey key) => char.ToLowerInvariant(key.ToString()[0]) + key.ToString()[1..];
}
