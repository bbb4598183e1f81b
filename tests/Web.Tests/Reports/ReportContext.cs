using System.Text.Json;
using AngleSharp.Dom;
using Bunit;
using LlmAspire.Web.Prices;
using LlmAspire.Web.Reconciliation;
using LlmAspire.Web.Reports;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MudBlazor;
using MudBlazor.Services;

namespace LlmAspire.Web.Tests.Reports;

/// <summary>A page of reports over <see cref="FakeApi"/>, in a browser in Berlin, on 23 November 2026.</summary>
internal sealed class ReportContext : BunitContext
{
    public const string Pin = "12@2026-11-23T19:13:45.123456Z";

    private ReportContext(FakeApi api)
    {
        Api = api;
        JSInterop.Mode = JSRuntimeMode.Loose;
        JSInterop.SetupModule("./browser-zone.js").Setup<BrowserZone.Answer?>("ask").SetResult(new("Europe/Berlin", ["Asia/Kolkata", "Europe/Berlin", "Pacific/Chatham"]));
        Services.AddMudServices();
        Services.AddLogging();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 11, 23, 20, 0, 0, TimeSpan.Zero));
        Services.AddSingleton<TimeProvider>(time);
        Services.AddSingleton(NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, TimeProvider.System));
        Services.AddScoped<BrowserZone>();
        Services.AddTransient<UsageClient>();
        Services.AddTransient<PricesClient>();
        Services.AddTransient<ReconciliationClient>();
    }

    public FakeApi Api { get; }

    public IRenderedComponent<IComponent> Page { get; private set; } = null!;

    public NavigationManager Navigation => Services.GetRequiredService<NavigationManager>();

    /// <param name="answers">What the Api answers to a path: an object, or a status.</param>
    public static async Task<ReportContext> OpenAsync<TPage>(string address, Dictionary<string, Func<HttpRequest, object>> answers, Guid? call = null)
        where TPage : IComponent
    {
        var context = new ReportContext(await FakeApi.StartAsync());
        context.Api.Other = http => Task.FromResult(
            answers.TryGetValue($"{(HttpMethods.IsGet(http.Request.Method) ? "" : http.Request.Method + " ")}{http.Request.Path}", out var answer) ? Result(answer(http.Request)) : Results.NotFound());
        context.Navigation.NavigateTo(address);
        context.Page = context.Render<ReportHost>(host => host.Add(page => page.Page, typeof(TPage)).Add(page => page.Call, call));
        return context;

        static IResult Result(object answer) => answer as IResult ?? Results.Json(answer);
    }

    public static IResult Problem(int status, string code, object? errors = null) =>
        Results.Json(new { status, code, title = "As the Api says it.", detail = "Do this.", errors }, JsonSerializerOptions.Web, "application/problem+json", status);

    public IElement Find(string testId, string inside = "") => Page.Find($"[data-testid={testId}] {inside}".TrimEnd());

    public IReadOnlyList<IElement> FindAll(string testId, string inside = "") => Page.FindAll($"[data-testid={testId}] {inside}".TrimEnd());

    /// <summary>The exact value of a number.</summary>
    public string? ValueOf(string testId, string figure, string inside = "") => Find(testId, $"{inside} [data-figure='{figure}']").GetAttribute("value");

    public Task ClickAsync(string testId, string inside = "") => OnAsync(testId, element => element.ClickAsync(new()), inside);

    /// <summary>Types into a field, as the browser does.</summary>
    public Task TypeAsync(string testId, string text) => OnAsync(testId, element => element.InputAsync(new() { Value = text }));

    public Task OnAsync(string testId, Func<IElement, Task> action, string inside = "") => Page.InvokeAsync(() => action(Find(testId, inside)));

    /// <summary>Waits for a condition of the page; it is checked at each render.</summary>
    public void Until(Action assertion) => Page.WaitForAssertion(assertion, TimeSpan.FromSeconds(20));

    public void UntilThere(string testId) => Until(() => Find(testId));

    /// <summary>What the Api was asked at a path.</summary>
    public IReadOnlyList<string> AskedFor(string path) => [.. Api.Asked.Where(asked => asked.Split('?')[0].EndsWith(path, StringComparison.Ordinal))];

    protected override async ValueTask DisposeAsyncCore()
    {
        await base.DisposeAsyncCore();
        await Api.DisposeAsync();
    }
}
