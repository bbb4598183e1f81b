using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace LlmAspire.Web.Reports;

/// <summary>A number as a person reads it, with its exact value for programs and for who looks closely: an HTML <c>data</c> element.</summary>
public sealed class Figure : ComponentBase
{
    /// <summary>A number of things.</summary>
    [Parameter]
    public long? Count { get; set; }

    /// <summary>An amount of money.</summary>
    [Parameter]
    public decimal? Usd { get; set; }

    /// <summary>A time in milliseconds.</summary>
    [Parameter]
    public double? Milliseconds { get; set; }

    /// <summary>So many a second.</summary>
    [Parameter]
    public double? PerSecond { get; set; }

    /// <summary>A share between 0 and 1.</summary>
    [Parameter]
    public decimal? Share { get; set; }

    /// <summary>Whether it is a difference, with a sign.</summary>
    [Parameter]
    public bool Change { get; set; }

    /// <summary>What it is called in tests: <c>data-figure</c>.</summary>
    [Parameter]
    public string? Name { get; set; }

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var (exact, text) = this switch
        {
            { Count: { } count } => (count.ToString(CultureInfo.InvariantCulture), Change ? Figures.CountChange(count) : Figures.Count(count)),
            { Usd: { } usd } => (Figures.Exact(usd), Change ? Figures.UsdChange(usd) : Figures.Usd(usd)),
            { Milliseconds: { } milliseconds } => (Figures.Exact(milliseconds), Figures.Seconds(milliseconds)),
            { PerSecond: { } rate } => (Figures.Exact(rate), rate.ToString("0.0", CultureInfo.InvariantCulture)),
            { Share: { } share } => (Figures.Exact(share), Figures.Percent(share)),
            _ => ("", Figures.Unknown),
        };
        builder.OpenElement(0, "data");
        builder.AddAttribute(1, "class", "figure");
        builder.AddAttribute(2, "value", exact);
        builder.AddAttribute(3, "title", Usd is null ? null : $"{exact} USD");
        builder.AddAttribute(4, "data-figure", Name);
        builder.AddContent(5, text);
        builder.CloseElement();
    }
}
