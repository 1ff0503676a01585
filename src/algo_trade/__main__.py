"""`python -m algo_trade` is `algotrade`."""

from algo_trade.cli.main import main

if __name__ == "__main__":
    main()
