"""The demo's data: six vendors in six countries, with two years behind them."""
