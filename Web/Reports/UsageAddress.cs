using Microsoft.AspNetCore.Components;

namespace LlmAspire.Web.Reports;

/// <summary>A page whose address says what it reports on.</summary>
public abstract class UsageAddress : ComponentBase
{
    [SupplyParameterFromQuery]
    public string? Range { get; set; }

    [SupplyParameterFromQuery]
    public string? From { get; set; }

    [SupplyParameterFromQuery]
    public string? To { get; set; }

    [SupplyParameterFromQuery]
    public string? Zone { get; set; }

    [SupplyParameterFromQuery]
    public string? AsOf { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Model { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Provider { get; set; }

    [SupplyParameterFromQuery]
    public string[]? ServedModel { get; set; }

    [SupplyParameterFromQuery]
    public string[]? User { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Org { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Operation { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Outcome { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Source { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Conversation { get; set; }

    [SupplyParameterFromQuery]
    public string[]? Request { get; set; }

    protected UsageQuery Query => new(
        Range,
        From,
        To,
        Zone,
        AsOf,
        [
            .. Of(UsageDimension.Model, Model),
            .. Of(UsageDimension.Provider, Provider),
            .. Of(UsageDimension.ServedModel, ServedModel),
            .. Of(UsageDimension.User, User),
            .. Of(UsageDimension.Organisation, Org),
            .. Of(UsageDimension.Operation, Operation),
            .. Of(UsageDimension.Outcome, Outcome),
            .. Of(UsageDimension.Source, Source),
            .. Of(UsageDimension.Conversation, Conversation),
            .. Of(UsageDimension.Request, Request),
        ]);

    private static IEnumerable<UsageFilter> Of(UsageDimension dimension, string[]? values) =>
        values?.Where(value => value.Length > 0).Distinct().Select(value => new UsageFilter(dimension, value)) ?? [];
}
